package mail_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/mail"
)

const sender = "Codex <no-reply@codex.test>"

var hello = mail.Message{ID: "verify:u1:1", To: "ada@x.test", Subject: "Grüße", Text: "Hällo\n", HTML: "<p>Hällo</p>"}

func newSMTP(t *testing.T, s mail.Settings) *mail.SMTP {
	t.Helper()
	if s.From == "" {
		s.From = sender
	}
	m, err := mail.NewSMTP(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSend_deliversBothForms(t *testing.T) {
	t.Parallel()
	s := serve(t, plainServer)
	m := newSMTP(t, mail.Settings{URL: config.DSN("smtp://" + s.addr), Support: "help@codex.test"})
	if err := m.Send(t.Context(), hello); err != nil {
		t.Fatal(err)
	}

	got := s.got()
	if len(got) != 1 || got[0].from != "no-reply@codex.test" || got[0].to != "ada@x.test" {
		t.Fatalf("got %+v", got)
	}
	msg, err := netmail.ReadMessage(strings.NewReader(got[0].data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || subject != "Grüße" {
		t.Errorf("subject %q, %v", subject, err)
	}
	if date, err := msg.Header.Date(); err != nil || time.Since(date).Abs() > time.Minute {
		t.Errorf("date %v, %v", date, err)
	}
	for name, want := range map[string]string{"From": `"Codex" <no-reply@codex.test>`, "To": "<ada@x.test>", "Reply-To": "<help@codex.test>", "Auto-Submitted": "auto-generated", "Mime-Version": "1.0"} {
		if msg.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, msg.Header.Get(name), want)
		}
	}
	if text, html := bodies(t, msg); strings.TrimSpace(text) != "Hällo" || html != "<p>Hällo</p>" {
		t.Errorf("got %q and %q", text, html)
	}
}

// bodies gives the two forms of a letter.
func bodies(t *testing.T, msg *netmail.Message) (text, html string) {
	t.Helper()
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	read := func(kind string) string {
		part, err := parts.NextRawPart()
		if err != nil || !strings.HasPrefix(part.Header.Get("Content-Type"), kind) {
			t.Fatalf("got %v, %v, want %s", part, err, kind)
		}
		b, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return read("text/plain"), read("text/html")
}

func TestSend_isTheSameLetterEachTime(t *testing.T) {
	t.Parallel()
	s := serve(t, plainServer)
	m := newSMTP(t, mail.Settings{URL: config.DSN("smtp://" + s.addr)})
	other := hello
	other.ID = "verify:u1:2"
	for _, message := range []mail.Message{hello, hello, other} {
		if err := m.Send(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
	var ids []string
	for _, l := range s.got() {
		msg, err := netmail.ReadMessage(strings.NewReader(l.data))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, msg.Header.Get("Message-Id"))
	}
	if ids[0] != ids[1] || ids[0] == ids[2] || !strings.HasSuffix(ids[0], "@codex.test>") || strings.Contains(ids[0], "verify") {
		t.Errorf("got %q", ids)
	}
}

func TestSend_protectsTheWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind      serverKind
		url       string // %s is the server's address
		strangers bool   // the certificate's authority is not known
		wantErr   string
		wantTLS   bool
	}{
		"this machine, plain":             {plainServer, "smtp://%s", false, "", false},
		"this machine offers TLS":         {startTLSServer, "smtp://%s", false, "", true},
		"TLS from the start":              {implicitTLSServer, "smtps://%s", false, "", true},
		"STARTTLS":                        {startTLSServer, "smtp://%s?tls=starttls", false, "", true},
		"STARTTLS is not offered":         {plainServer, "smtp://%s?tls=starttls", false, "does not support STARTTLS", false},
		"asked for in the clear":          {startTLSServer, "smtp://%s?tls=none", false, "", false},
		"an unknown authority":            {implicitTLSServer, "smtps://%s", true, "certificate", false},
		"an unknown authority, STARTTLS":  {startTLSServer, "smtp://%s?tls=starttls", true, "certificate", false},
		"TLS wanted where none is spoken": {plainServer, "smtps://%s", false, "tls", false},
		"the right log-in":                {startTLSServer, "smtp://codex:right@%s", false, "", true},
		"the right log-in over smtps":     {implicitTLSServer, "smtps://codex:right@%s", false, "", true},
		"the wrong log-in":                {startTLSServer, "smtp://codex:wrong@%s", false, "535", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tc.kind)
			settings := mail.Settings{URL: config.DSN(strings.ReplaceAll(tc.url, "%s", s.addr)), Log: slog.New(slog.DiscardHandler)}
			if !tc.strangers {
				settings.Roots = s.roots
			}

			err := newSMTP(t, settings).Send(t.Context(), hello)

			got := s.got()
			switch {
			case tc.wantErr == "" && (err != nil || len(got) != 1):
				t.Fatalf("got %v, %d letters", err, len(got))
			case tc.wantErr == "" && got[0].tls != tc.wantTLS:
				t.Errorf("TLS: %v, want %v", got[0].tls, tc.wantTLS)
			case tc.wantErr == "" && strings.Contains(tc.url, "codex:") && got[0].user != "codex":
				t.Errorf("logged in as %q", got[0].user)
			case tc.wantErr != "" && (err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(tc.wantErr)) || len(got) != 0):
				t.Errorf("got %v, %d letters, want %q", err, len(got), tc.wantErr)
			}
		})
	}
}

func TestNewSMTP_warnsOfLettersInTheClear(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	newSMTP(t, mail.Settings{URL: "smtp://u:p@mail.test?tls=none", Log: slog.New(slog.NewTextHandler(&out, nil))})
	if !strings.Contains(out.String(), "letters will be sent in the clear") || strings.Contains(out.String(), "u:p") {
		t.Errorf("got %q", out.String())
	}
}

func TestSettings_refuseWhatCannotWork(t *testing.T) {
	t.Parallel()
	good := mail.Settings{URL: "smtp://mail.test", From: sender}
	if got := good.Validate(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	for _, url := range []config.DSN{"", "mail.test:25", "http://mail.test", "smtp://", "smtp://mail.test?tls=maybe", "smtps://mail.test?tls=none", "smtp://mail.test:port"} {
		s := mail.Settings{URL: url, From: sender}
		if _, err := mail.NewSMTP(s); err == nil || len(s.Validate()) != 1 || s.Validate()[0].Name != "SMTP_URL" {
			t.Errorf("%q: got %v, %v", url.Reveal(), err, s.Validate())
		}
	}
	for _, from := range []string{"", "codex", "Codex <x>", "a@x.test, b@x.test", "Codex <a@x.test>\r\nBcc: b@x.test"} {
		s := mail.Settings{URL: "smtp://mail.test", From: from}
		if _, err := mail.NewSMTP(s); err == nil || len(s.Validate()) != 1 || s.Validate()[0].Name != "MAIL_FROM" {
			t.Errorf("%q: got %v, %v", from, err, s.Validate())
		}
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "layout.html")
	if err := os.WriteFile(file, []byte("{{.Nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(s *mail.Settings){
		"MAIL_COLOR is not a color":                             func(s *mail.Settings) { s.Color = "blue" },
		"MAIL_LOGO_URL is not an https://":                      func(s *mail.Settings) { s.Logo = "http://x.test/l.png" },
		"MAIL_SUPPORT is not":                                   func(s *mail.Settings) { s.Support = "nobody" },
		"MAIL_TEMPLATES names a folder that cannot be read: no": func(s *mail.Settings) { s.Templates = filepath.Join(folder, "nope") },
		"MAIL_TEMPLATES names what is no folder":                func(s *mail.Settings) { s.Templates = file },
		"MAIL_TEMPLATES cannot be used: ":                       func(s *mail.Settings) { s.Templates = folder },
	} {
		s := good
		change(&s)
		if got := s.Validate(); len(got) != 1 || !strings.HasPrefix(got[0].Name+" "+got[0].Problem, want) {
			t.Errorf("%s: got %v", want, got)
		}
	}
}

func TestSend_refusesWhatIsNotOneLetter(t *testing.T) {
	t.Parallel()
	s := serve(t, plainServer)
	m := newSMTP(t, mail.Settings{URL: config.DSN("smtp://" + s.addr)})
	for name, change := range map[string]func(*mail.Message){
		"another header in the subject":   func(m *mail.Message) { m.Subject = "Hi\r\nBcc: eve@x.test" },
		"a line end in the subject":       func(m *mail.Message) { m.Subject = "Hi\n" },
		"no subject":                      func(m *mail.Message) { m.Subject = "" },
		"two recipients":                  func(m *mail.Message) { m.To = "a@x.test, b@x.test" },
		"another header in the recipient": func(m *mail.Message) { m.To = "a@x.test\r\nBcc: eve@x.test" },
		"a name in the recipient":         func(m *mail.Message) { m.To = "Eve <eve@x.test>" },
		"no recipient":                    func(m *mail.Message) { m.To = "" },
		"no id":                           func(m *mail.Message) { m.ID = "" },
		"no text":                         func(m *mail.Message) { m.Text = "" },
	} {
		message := hello
		change(&message)
		err := m.Send(t.Context(), message)
		if !errors.Is(err, mail.ErrMessage) || !mail.Permanent(err) || strings.Contains(err.Error(), "x.test") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	evil := hello
	evil.ID, evil.Text = "a\r\nBcc: eve@x.test", "first\r\n.\r\nMAIL FROM:<eve@x.test>\r\n"
	if err := m.Send(t.Context(), evil); err != nil {
		t.Fatal(err)
	}
	if got := s.got(); len(got) != 1 || got[0].to != "ada@x.test" || strings.Contains(strings.SplitN(got[0].data, "\r\n\r\n", 2)[0], "eve") {
		t.Errorf("got %+v", got)
	}
}

func TestPermanent_knowsWhetherTryingAgainHelps(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]bool{550: true, 553: true, 450: false, 421: false} {
		s := serve(t, plainServer)
		s.refuse = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "no"}
		err := newSMTP(t, mail.Settings{URL: config.DSN("smtp://" + s.addr)}).Send(t.Context(), hello)
		if err == nil || mail.Permanent(err) != want {
			t.Errorf("%d: %v is permanent: %v", code, err, mail.Permanent(err))
		}
	}
	err := newSMTP(t, mail.Settings{URL: "smtp://127.0.0.1:1"}).Send(t.Context(), hello)
	if err == nil || mail.Permanent(err) {
		t.Errorf("a server that is away: %v", err)
	}
}

// script is a server that speaks by rote: it answers each line with the next
// of its answers, and is silent after the last one.
func script(t *testing.T, answers ...string) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buffer := make([]byte, 64<<10)
		for i, answer := range answers {
			if i > 0 {
				if _, err := conn.Read(buffer); err != nil {
					return
				}
			}
			if answer == "close" {
				return
			}
			_, _ = io.WriteString(conn, answer+"\r\n")
		}
		_, _ = io.Copy(io.Discard, conn) // until the other side gives up
	}()
	return listener.Addr().String()
}

func TestSend_givesUpWithItsContext(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string][]string{
		"no greeting":  {},
		"no answer":    {"220 hi"},
		"no reception": {"220 hi", "250 hi", "250 ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := script(t, answers...)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			begin := time.Now()
			err := newSMTP(t, mail.Settings{URL: config.DSN("smtp://" + addr)}).Send(ctx, hello)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 5*time.Second {
				t.Errorf("got %v after %v", err, time.Since(begin))
			}
		})
	}
}

func TestSend_doesNotFailOnceTheLetterIsTaken(t *testing.T) {
	t.Parallel()
	// MAIL, RCPT, DATA, the letter; then the server is gone without a farewell.
	addr := script(t, "220 hi", "250 hi", "250 ok", "250 ok", "354 go on", "250 taken", "close")
	if err := newSMTP(t, mail.Settings{URL: config.DSN("smtp://" + addr)}).Send(t.Context(), hello); err != nil {
		t.Errorf("a letter that was taken would be sent again: %v", err)
	}
}
