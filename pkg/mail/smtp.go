package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// timeout bounds the whole of one attempt: connecting, TLS, log-in, handing over.
const timeout = 10 * time.Second

// SMTP sends letters through one mail server, one connection a letter. It is
// safe for concurrent use.
type SMTP struct {
	route route
	from  *netmail.Address
	// reply is whom an answer goes to; "" for the sender.
	reply string
	tls   *tls.Config
}

// NewSMTP prepares sending; the server need not be there yet.
func NewSMTP(s Settings) (*SMTP, error) {
	r, err := parseRoute(s.URL)
	if err != nil {
		return nil, fmt.Errorf("SMTP_URL %w", err)
	}
	from, err := parseFrom(s.From)
	if err != nil {
		return nil, fmt.Errorf("MAIL_FROM %w", err)
	}
	if r.tls == tlsNone {
		log := s.Log
		if log == nil {
			log = slog.Default()
		}
		log.Warn("letters will be sent in the clear", "setting", "SMTP_URL", "reason", "tls=none")
	}
	return &SMTP{
		route: r,
		from:  from,
		reply: s.Support,
		tls:   &tls.Config{ServerName: r.host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12},
	}, nil
}

// Send makes one attempt to hand over a letter. It gives up after 10 seconds.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	// go-mail obeys the context only while it connects, and leaves the
	// connection open when the log-in fails; so the connection is ours.
	var link connection
	defer link.close()
	client, err := s.client(ctx, &link)
	if err != nil {
		return fmt.Errorf("prepare mail: %w", err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("reach mail server: %w", cause(ctx, err))
	}
	if err := client.SendWithSMTPClient(session, msg); err != nil {
		return fmt.Errorf("hand over mail: %w", cause(ctx, err))
	}
	// The server has taken the letter. A failing farewell must not have it sent again.
	_ = client.CloseWithSMTPClient(session)
	return nil
}

// cause adds the context's end to an error that it caused, which then reads "use of closed connection".
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

// Permanent tells whether an error of Send will be the same next time: the
// letter cannot be sent, or the server refused it for good (5xx).
func Permanent(err error) bool {
	var refused *gomail.SendError
	if errors.As(err, &refused) {
		return !refused.IsTemp() && refused.ErrorCode() >= 500
	}
	return errors.Is(err, ErrMessage)
}

// compose gives the letter go-mail's form.
func (s *SMTP) compose(m Message) (*gomail.Msg, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	if s.reply != "" {
		msg.ReplyToMailAddress(&netmail.Address{Address: s.reply})
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.messageID(domainOf(s.from.Address)))
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday notes, please
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

func (s *SMTP) client(ctx context.Context, link *connection) (*gomail.Client, error) {
	port, err := strconv.Atoi(s.route.port)
	if err != nil {
		return nil, err
	}
	options := []gomail.Option{
		gomail.WithPort(port),
		gomail.WithTimeout(timeout),
		gomail.WithTLSConfig(s.tls),
		gomail.WithTLSPolicy(map[tlsMode]gomail.TLSPolicy{
			tlsStartTLS: gomail.TLSMandatory, tlsIfOffered: gomail.TLSOpportunistic,
			tlsImplicit: gomail.NoTLS, tlsNone: gomail.NoTLS, // implicit: done by the dialer
		}[s.route.tls]),
		gomail.WithDialContextFunc(link.dialer(ctx, s.route.tls == tlsImplicit, s.tls)),
		gomail.WithoutNoop(),
		gomail.WithoutRset(), // its failure after DATA would look like an unsent letter
	}
	if s.route.user != "" {
		// Both refuse to show the password on a plain connection, except to this machine.
		options = append(options, gomail.WithUsername(s.route.user), gomail.WithPassword(s.route.password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return gomail.NewClient(s.route.host, options...)
}

// connection is the one connection of an attempt. It ends with its context.
type connection struct {
	conn net.Conn
	stop func() bool
}

// dialer connects for go-mail. The context that go-mail hands in ends when the
// log-in is done; attempt is the one that the whole connection obeys.
func (c *connection) dialer(attempt context.Context, implicit bool, config *tls.Config) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.conn = conn
		c.stop = context.AfterFunc(attempt, func() { _ = conn.Close() })
		if !implicit {
			return conn, nil
		}
		secure := tls.Client(conn, config)
		return secure, secure.HandshakeContext(ctx)
	}
}

func (c *connection) close() {
	if c.conn != nil {
		c.stop()
		_ = c.conn.Close()
	}
}
