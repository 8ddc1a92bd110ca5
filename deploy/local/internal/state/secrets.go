package state

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Secrets are made on the first start and kept, since the data depends on them.
type Secrets struct {
	Auth            string            `json:"auth"`             // AUTH_SECRETS
	Service         string            `json:"service"`          // SERVICE_TOKENS
	Postgres        string            `json:"postgres"`         // the superuser's password
	Roles           map[string]string `json:"roles"`            // password of each database role
	S3              string            `json:"s3"`               // S3_SECRET_KEY
	StripeKey       string            `json:"stripe_key"`       // of the stand-in
	StripeSignature string            `json:"stripe_signature"` // of the stand-in's events
	Provider        string            `json:"provider"`         // the client secret at the demo provider
	DemoPassword    string            `json:"demo_password"`
	AdminPassword   string            `json:"admin_password"`
}

// Secrets reads the secrets and makes those that are missing.
func (f *Folder) Secrets(roles []string) (Secrets, error) {
	s := Secrets{Roles: map[string]string{}}
	path := f.Path("secrets.json")
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return s, err
	default:
		if err := json.Unmarshal(raw, &s); err != nil {
			return s, fmt.Errorf("%s: %w", path, err)
		}
	}
	for field, make := range map[*string]func() string{
		&s.Auth: long, &s.Service: long, &s.Postgres: rand.Text, &s.S3: long, &s.Provider: long,
		&s.StripeKey: func() string { return "sk_test_" + rand.Text() }, &s.StripeSignature: func() string { return "whsec_" + rand.Text() },
		&s.DemoPassword: typed, &s.AdminPassword: typed,
	} {
		if *field == "" {
			*field = make()
		}
	}
	for _, role := range roles {
		if s.Roles[role] == "" {
			s.Roles[role] = rand.Text()
		}
	}
	if raw, err = json.MarshalIndent(s, "", "  "); err != nil {
		return s, err
	}
	return s, replace(path, raw)
}

// long has 260 bits.
func long() string { return rand.Text() + rand.Text() }

// typed is a password that somebody can type from the screen: 80 bits in groups of four.
func typed() string {
	t := strings.ToLower(rand.Text()[:16])
	return t[:4] + "-" + t[4:8] + "-" + t[8:12] + "-" + t[12:]
}
