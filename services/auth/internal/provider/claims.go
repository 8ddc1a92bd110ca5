package provider

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/codex-platform/codex/pkg/validation"
)

const (
	maxSubject = 255 // bytes (OpenID Connect Core §2)
	maxName    = 200 // code points, as at sign-up
	maxImage   = 2048
)

// claims are what is said of somebody, by their exact names.
type claims map[string]any

func (c claims) text(name string) string { s, _ := c[name].(string); return s }

// yes takes true and "true", which Apple writes; nothing else.
func (c claims) yes(name string) bool { return c[name] == true || c[name] == "true" }

// payload reads the claims of a token whose signature does not matter any more.
func payload(token string) (claims, error) {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("not a token")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &c) != nil {
		return nil, errors.New("not a token")
	}
	return c, nil
}

// newIdentity takes of what a provider said only what can be kept and shown. A
// missing subject is an error (OAU-05); anything else may be missing.
func newIdentity(c claims, subject, email string, verified bool, name, image string) (Identity, error) {
	if subject == "" || len(subject) > maxSubject || strings.ContainsFunc(subject, control) || !utf8.ValidString(subject) {
		return Identity{}, errors.New("there is no usable subject")
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return Identity{}, errors.New("the claims cannot be kept")
	}
	who := Identity{Subject: subject, Name: shown(name), Claims: raw}
	if address, err := validation.ParseEmail(email); err == nil {
		who.Email, who.EmailVerified = address.String(), verified
	}
	if u, err := url.Parse(image); err == nil && u.Scheme == "https" && u.Host != "" && len(image) <= maxImage && !strings.ContainsFunc(image, control) {
		who.Image = &image
	}
	return who, nil
}

// shown makes a name fit for a page and a letter.
func shown(name string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if control(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name))
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName])
	}
	return name
}

func control(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 }
