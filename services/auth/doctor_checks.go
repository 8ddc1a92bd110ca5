package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/database"
)

const (
	leastLetters = 10               // different ones in a secret: what has fewer was typed, not drawn
	mostSkew     = 10 * time.Second // between this machine's clock and the database's
)

// secretsAreStrong tells whether the secrets look drawn by chance, and whether
// each is for one purpose.
func secretsAreStrong(s settings) error {
	owner := map[string]string{}
	for _, list := range []struct {
		name   string
		values []string
	}{{"AUTH_SECRETS", s.Secrets.Reveal()}, {"SERVICE_TOKENS", s.ServiceTokens.Reveal()}} {
		for _, secret := range list.values {
			letters := map[rune]bool{}
			for _, r := range secret {
				letters[r] = true
			}
			if len(letters) < leastLetters {
				return fmt.Errorf("%s holds one of too few different characters: draw it with openssl rand -base64 48", list.name)
			}
			if other, ok := owner[secret]; ok && other != list.name {
				return fmt.Errorf("%s and %s hold the same secret", other, list.name)
			}
			owner[secret] = list.name
		}
	}
	return nil
}

// clocksAgree compares with the database's clock. Codes of authenticator apps, and
// the ends of tokens, are judged by this machine's.
func clocksAgree(ctx context.Context, db database.Querier) error {
	before := time.Now()
	var theirs time.Time
	if err := db.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&theirs); err != nil {
		return fmt.Errorf("ask for the time: %w", err)
	}
	took := time.Since(before)
	if skew := theirs.Sub(before.Add(took / 2)).Abs(); skew > mostSkew+took/2 {
		return fmt.Errorf("this machine's and the database's are %s apart", skew.Round(time.Second))
	}
	return nil
}

// replicaFollows tells whether the replica can be read; errNotSet where there is none.
func replicaFollows(ctx context.Context, s database.Settings) error {
	if s.ReadURL == "" {
		return errNotSet
	}
	replica, err := database.OpenRead(ctx, s)
	if err != nil {
		return err
	}
	defer replica.Close()
	return database.CheckSchema(ctx, replica, migrations.Auth)
}

// administrated tells whether there is somebody who may do anything as an
// administrator; errNotSet when there is nobody yet.
func administrated(ctx context.Context, s settings, db database.Querier) error {
	if !s.Plugins.Admin || len(s.Admin.UserIDs) > 0 {
		return nil
	}
	var roles []string
	for name, may := range s.Admin.Roles {
		if len(may) > 0 {
			roles = append(roles, name)
		}
	}
	var there bool
	err := db.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM better_auth.users WHERE string_to_array(replace(role, ' ', ''), ',') && $1::text[])`, roles).Scan(&there)
	switch {
	case err != nil:
		return fmt.Errorf("look for administrators: %w", err)
	case !there:
		return errNotSet
	}
	return nil
}

// switchedOn lists the plugins that are served.
func (p pluginSettings) switchedOn() string {
	var names []string
	for _, plugin := range []struct {
		name string
		on   bool
	}{
		{"two-factor", bool(p.TwoFactor)}, {"passkeys", bool(p.Passkey)}, {"magic-link", bool(p.MagicLink)}, {"e-mail codes", bool(p.EmailOTP)},
		{"user names", bool(p.Username)}, {"anonymous", bool(p.Anonymous)}, {"several accounts", bool(p.MultiSession)},
		{"administration", bool(p.Admin)}, {"API keys", bool(p.APIKey)}, {"access tokens", bool(p.Tokens)}, {"bearer tokens", bool(p.Bearer)},
	} {
		if plugin.on {
			names = append(names, plugin.name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
