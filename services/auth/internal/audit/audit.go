// Package audit owns the record of what happened to accounts: who did what, when,
// from where, in which request, and whether it worked. A record is written in the
// transaction of what it tells about, and never holds a secret.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Kind names what happened. The names are part of the API: programs filter by them.
type Kind string

// The kinds of events.
const (
	SignedUp          Kind = "sign_up"
	SignedIn          Kind = "sign_in"
	SignedOut         Kind = "sign_out"
	SecondFactorAsked Kind = "second_factor_asked"
	SessionRevoked    Kind = "session_revoke"
	SessionSwitched   Kind = "session_switch"
	EmailVerified     Kind = "email_verify"
	EmailChangeAsked  Kind = "email_change_request"
	EmailChanged      Kind = "email_change"
	PasswordChanged   Kind = "password_change"
	PasswordChecked   Kind = "password_check"
	ResetAsked        Kind = "password_reset_request"
	PasswordReset     Kind = "password_reset"
	ProfileChanged    Kind = "profile_change"
	DeletionAsked     Kind = "account_delete_request"
	UserDeleted       Kind = "account_delete"
	AccountLinked     Kind = "account_link"
	AccountUnlinked   Kind = "account_unlink"
	SecondFactorOn    Kind = "second_factor_enable"
	SecondFactorOff   Kind = "second_factor_disable"
	SecondFactorUsed  Kind = "second_factor_verify"
	BackupCodesMade   Kind = "backup_codes_create"
	DeviceTrusted     Kind = "device_trust"
	PasskeyAdded      Kind = "passkey_add"
	PasskeyChanged    Kind = "passkey_update"
	PasskeyRemoved    Kind = "passkey_remove"
	KeyMade           Kind = "api_key_create"
	KeyChanged        Kind = "api_key_update"
	KeyRemoved        Kind = "api_key_delete"
	KeyRefused        Kind = "api_key_refused"
	UserCreated       Kind = "user_create"
	UserChanged       Kind = "user_update"
	RoleChanged       Kind = "role_change"
	UserBanned        Kind = "user_ban"
	UserUnbanned      Kind = "user_unban"
	Impersonated      Kind = "impersonation_start"
	ImpersonationOver Kind = "impersonation_stop"
	AdminRefused      Kind = "admin_refused"
	SprayDetected     Kind = "password_spray"
	PasswordSpent     Kind = "password_cap"
	SigningKeyRotated Kind = "signing_key_rotate"
	SecretsResealed   Kind = "secrets_reseal"
	AccountsImported  Kind = "accounts_import"
)

// Kinds are all of them.
var Kinds = []Kind{
	SignedUp, SignedIn, SignedOut, SecondFactorAsked, SessionRevoked, SessionSwitched, EmailVerified, EmailChangeAsked,
	EmailChanged, PasswordChanged, PasswordChecked, ResetAsked, PasswordReset, ProfileChanged, DeletionAsked, UserDeleted,
	AccountLinked, AccountUnlinked, SecondFactorOn, SecondFactorOff, SecondFactorUsed, BackupCodesMade, DeviceTrusted, PasskeyAdded,
	PasskeyChanged, PasskeyRemoved, KeyMade, KeyChanged, KeyRemoved, KeyRefused, UserCreated, UserChanged, RoleChanged,
	UserBanned, UserUnbanned, Impersonated, ImpersonationOver, AdminRefused, SprayDetected, PasswordSpent,
	SigningKeyRotated, SecretsResealed, AccountsImported,
}

// The actors that are nobody: a command, and the schedule of a replica.
const (
	CommandLine = "command-line"
	Schedule    = "schedule"
)

// Known tells whether there is such a kind.
func Known(k Kind) bool { return slices.Contains(Kinds, k) }

// Event is one thing that happened.
type Event struct {
	Kind Kind
	// UserID is whom it is about; "" where that is not known.
	UserID string
	// ActorID is who did it; "" stands for the person it is about, or for the
	// administrator who acts as that person; where anybody may have done it, for
	// nobody who is known.
	ActorID   string
	SessionID string
	// Failed says that it was tried and refused.
	Failed bool
	// Details say more, such as the way of signing in or the reason of a refusal.
	Details map[string]string
}

// Anybody holds for what needs no proof of being the person: to fail at the door,
// and to ask for a letter.
func Anybody(kind Kind, failed bool, sessionID string) bool {
	return sessionID == "" && (failed || kind == ResetAsked)
}

// Log keeps events.
type Log struct {
	Now func() time.Time
	Log *slog.Logger
}

// Record writes an event, in a transaction where it is a step of more. c is the
// request that caused it; nil for a command or a job.
func (l *Log) Record(ctx context.Context, db database.Querier, c *wire.Call, e Event) error {
	outcome := "success"
	if e.Failed {
		outcome = "failure"
	}
	if e.ActorID == "" && c != nil {
		e.ActorID = c.ActorID
	}
	if e.ActorID == "" && !Anybody(e.Kind, e.Failed, e.SessionID) {
		e.ActorID = e.UserID
	}
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	details, err := json.Marshal(e.Details)
	if err != nil {
		return fmt.Errorf("audit %s: %w", e.Kind, err)
	}
	ip, agent := "", ""
	if c != nil {
		ip, agent = c.IP(), c.UserAgent()
	}
	_, err = db.Exec(ctx, `
		INSERT INTO better_auth.audit_events
		       (id, at, kind, outcome, actor_id, user_id, session_id, ip_address, user_agent, request_id, details)
		VALUES ($1, $2, $3, $4, nullif($5, ''), nullif($6, ''), nullif($7, ''), $8, $9, $10, $11)`,
		security.NewID(), wire.Moment(l.Now()), string(e.Kind), outcome, e.ActorID, e.UserID, e.SessionID,
		ip, agent, observability.RequestID(ctx), string(details))
	if err != nil {
		return fmt.Errorf("audit %s: %w", e.Kind, err)
	}
	l.Log.InfoContext(ctx, "audit", "kind", string(e.Kind), "outcome", outcome, "user_id", e.UserID, "actor_id", e.ActorID,
		"session_id", e.SessionID, "details", e.Details)
	return nil
}

// Refused records that a link or code was refused that names nobody, and gives
// why. Other errors it gives as they are.
func (l *Log) Refused(ctx context.Context, db database.Querier, c *wire.Call, kind Kind, method string, why error) error {
	var refusal *problem.Problem
	if !errors.As(why, &refusal) {
		return why
	}
	e := Event{Kind: kind, Failed: true, Details: map[string]string{"method": method, "reason": refusal.Code}}
	if err := l.Record(ctx, db, c, e); err != nil {
		return err
	}
	return why
}

// Sweep deletes up to limit events that are older than a moment.
func Sweep(ctx context.Context, db database.Querier, before time.Time, limit int) (int64, error) {
	tag, err := db.Exec(ctx, `
		DELETE FROM better_auth.audit_events
		WHERE id IN (SELECT id FROM better_auth.audit_events WHERE at < $1 LIMIT $2)`, before, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep audit events: %w", err)
	}
	return tag.RowsAffected(), nil
}
