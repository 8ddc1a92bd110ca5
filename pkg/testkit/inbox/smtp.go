package inbox

import (
	"io"
	"slices"
	"time"

	"github.com/emersion/go-smtp"
)

const largestMail = 25 << 20 // bytes, as common providers allow

func newSMTP(st *store) *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{store: st}, nil
	}))
	srv.Domain = "inbox.localhost"
	srv.ReadTimeout, srv.WriteTimeout = 30*time.Second, 30*time.Second
	srv.MaxMessageBytes, srv.MaxRecipients = largestMail, 100
	srv.EnableSMTPUTF8 = true
	return srv
}

// session is one SMTP connection.
type session struct {
	store *store
	from  string
	to    []string
}

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt adds a recipient; everybody is known here.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data takes the mail. The sender hears "accepted" only when it is on disk.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return s.store.add(envelope{from: s.from, to: slices.Clone(s.to)}, raw)
}

// Reset forgets a mail that was begun.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout has nothing to do.
func (s *session) Logout() error { return nil }
