package link

import (
	"cmp"
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// names are how providers write themselves, and the password's; others are known
// by their ids.
var names = map[string]string{
	"google": "Google", "gitlab": "GitLab", "discord": "Discord", "github": "GitHub", "microsoft": "Microsoft", "apple": "Apple",
	"credential": mail.WhatPassword,
}

// tell writes to a person whose ways of signing in changed, which somebody else
// may have done (AUTH-14). Anonymous people read no mail.
func (l *Links) tell(ctx context.Context, tx pgx.Tx, c *wire.Call, kind mail.Template, u user.User, providerID string) error {
	if u.IsAnonymous {
		return nil
	}
	return l.Letters.Put(ctx, tx, mailer.Letter{Kind: kind, UserID: u.ID, Cause: security.NewID(), Contents: mailer.Contents{
		To: u.Email, Name: u.Name, Language: c.Header("Accept-Language"), What: cmp.Or(names[providerID], providerID),
	}})
}
