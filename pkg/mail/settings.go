package mail

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/validation"
)

// Settings says how letters leave.
type Settings struct {
	URL  config.DSN `env:"SMTP_URL,required" example:"smtps://user:password@mail.example.com:465" help:"the mail server: smtps:// speaks TLS from the start; smtp:// must offer STARTTLS, except on this machine; smtp://…?tls=none sends in the clear"`
	From string     `env:"MAIL_FROM,required" example:"Codex <no-reply@example.com>" help:"the sender of every letter"`

	Brand     string `env:"MAIL_BRAND" envDefault:"Codex" help:"the product's name in letters"`
	Color     string `env:"MAIL_COLOR" envDefault:"#1f4fd8" help:"the color of buttons in letters"`
	Logo      string `env:"MAIL_LOGO_URL" example:"https://app.example.com/logo.png" help:"a picture at the top of letters, in place of the product's name"`
	Support   string `env:"MAIL_SUPPORT" example:"help@example.com" help:"the address that letters name for help, and answers to them go to"`
	Templates string `env:"MAIL_TEMPLATES" example:"/etc/codex/letters" help:"a folder with own templates (layout.html, layout.txt, en/verify-email.txt …) in place of ours; a folder such as fr adds a language"`

	// Roots are the authorities that the server's certificate is checked
	// against; nil means the system's.
	Roots *x509.CertPool `env:"-"`
	// Log hears of letters that will be sent in the clear; nil means slog's default.
	Log *slog.Logger `env:"-"`
}

// Validate refuses an address or a sender that cannot work.
func (s Settings) Validate() []config.Fault {
	var faults []config.Fault
	if _, err := parseRoute(s.URL); err != nil {
		faults = append(faults, config.Fault{Name: "SMTP_URL", Problem: err.Error(), Example: "smtps://user:password@mail.example.com:465"})
	}
	if _, err := parseFrom(s.From); err != nil {
		faults = append(faults, config.Fault{Name: "MAIL_FROM", Problem: err.Error(), Example: "Codex <no-reply@example.com>"})
	}
	if s.Color != "" && !color.MatchString(s.Color) {
		faults = append(faults, config.Fault{Name: "MAIL_COLOR", Problem: "is not a color", Example: "#1f4fd8"})
	}
	if s.Logo != "" && !strings.HasPrefix(s.Logo, "https://") {
		faults = append(faults, config.Fault{Name: "MAIL_LOGO_URL", Problem: "is not an https:// address", Example: "https://app.example.com/logo.png"})
	}
	if _, err := validation.ParseEmail(s.Support); s.Support != "" && err != nil {
		faults = append(faults, config.Fault{Name: "MAIL_SUPPORT", Problem: "is not an address", Example: "help@example.com"})
	}
	if problem := s.templatesFault(); problem != "" {
		faults = append(faults, config.Fault{Name: "MAIL_TEMPLATES", Problem: problem, Example: "/etc/codex/letters"})
	}
	return faults
}

// templatesFault says what is wrong with the own templates; "" for nothing.
func (s Settings) templatesFault() string {
	if s.Templates == "" {
		return ""
	}
	info, err := os.Stat(s.Templates)
	var failed *fs.PathError
	switch {
	case errors.As(err, &failed):
		return "names a folder that cannot be read: " + failed.Err.Error()
	case !info.IsDir():
		return "names what is no folder"
	}
	if _, err := NewLetters(os.DirFS(s.Templates), Brand{}); err != nil {
		return "cannot be used: " + err.Error()
	}
	return ""
}

// Letters gives the letters that these settings describe.
func (s Settings) Letters() (*Letters, error) {
	var mounted fs.FS
	if s.Templates != "" {
		mounted = os.DirFS(s.Templates)
	}
	return NewLetters(mounted, Brand{Name: s.Brand, Color: s.Color, Logo: s.Logo, Support: s.Support})
}

// route is where letters go and how the way is protected.
type route struct {
	host, port     string
	user, password string
	tls            tlsMode
}

type tlsMode int

const (
	tlsStartTLS  tlsMode = iota // STARTTLS or nothing is sent
	tlsImplicit                 // TLS from the first byte
	tlsIfOffered                // this machine: STARTTLS when offered
	tlsNone                     // asked for in the address
)

// parseRoute reads SMTP_URL. Its errors finish a sentence that begins with the variable's name.
func parseRoute(dsn config.DSN) (route, error) {
	u, err := url.Parse(dsn.Reveal())
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return route{}, errors.New("is not an smtp:// or smtps:// address")
	}
	r := route{host: u.Hostname(), port: u.Port(), user: u.User.Username()}
	r.password, _ = u.User.Password()
	if r.port == "" {
		r.port = map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]
	}
	switch asked := u.Query().Get("tls"); {
	case u.Scheme == "smtps" && asked == "":
		r.tls = tlsImplicit
	case u.Scheme == "smtps":
		return route{}, errors.New("asks for tls= with smtps://, which is TLS already")
	case asked == "none":
		r.tls = tlsNone
	case asked == "starttls":
		r.tls = tlsStartTLS
	case asked != "":
		return route{}, errors.New("has a tls= that is neither none nor starttls")
	case isLoopback(r.host):
		r.tls = tlsIfOffered
	}
	return r, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || strings.EqualFold(host, "localhost")
}

// parseFrom reads MAIL_FROM: an address with or without a name.
func parseFrom(text string) (*netmail.Address, error) {
	from, err := netmail.ParseAddress(text)
	if err != nil {
		return nil, errors.New("is not an address such as Codex <no-reply@example.com>")
	}
	if _, err := validation.ParseEmail(from.Address); err != nil {
		return nil, fmt.Errorf("holds an address that %s", validation.ErrEmail.Detail)
	}
	return from, nil
}
