package passkey

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// errNone says that there is no such passkey.
var errNone = errors.New("no such passkey")

// Store keeps passkeys. DB is a pool, or the transaction that a step is part of.
type Store struct {
	DB database.Querier
}

// Passkey is one row.
type Passkey struct {
	ID           string
	UserID       string
	Name         *string
	CredentialID []byte
	PublicKey    []byte // COSE
	Counter      int64
	DeviceType   string
	BackedUp     bool
	Transports   string // a list with commas
	AAGUID       *string
	UserHandle   []byte // nil in imported rows
	CreatedAt    time.Time
}

// The device types: whether a passkey can leave the device it was made on.
const (
	singleDevice = "singleDevice"
	multiDevice  = "multiDevice"
)

// Listed is a passkey as its owner sees it.
type Listed struct {
	Name         *string   `json:"name"`
	PublicKey    string    `json:"publicKey" doc:"COSE, base64"`
	UserID       string    `json:"userId"`
	CredentialID string    `json:"credentialID" doc:"base64url"`
	Counter      int64     `json:"counter"`
	DeviceType   string    `json:"deviceType" enum:"singleDevice,multiDevice"`
	BackedUp     bool      `json:"backedUp"`
	Transports   string    `json:"transports" doc:"A list with commas"`
	CreatedAt    wire.Time `json:"createdAt" format:"date-time"`
	AAGUID       *string   `json:"aaguid"`
	ID           string    `json:"id"`
}

// View gives what its owner sees.
func (p Passkey) View() Listed {
	return Listed{
		Name: p.Name, PublicKey: base64.StdEncoding.EncodeToString(p.PublicKey), UserID: p.UserID,
		CredentialID: base64.RawURLEncoding.EncodeToString(p.CredentialID), Counter: p.Counter, DeviceType: p.DeviceType, BackedUp: p.BackedUp,
		Transports: p.Transports, CreatedAt: wire.Time(p.CreatedAt), AAGUID: p.AAGUID, ID: p.ID,
	}
}

// transports lists the ways to reach the authenticator.
func (p Passkey) transports() []string {
	if p.Transports == "" {
		return nil
	}
	return strings.Split(p.Transports, ",")
}

const columns = `id, user_id, name, credential_id, public_key, counter, device_type, backed_up, transports, aaguid, user_handle, created_at`

// Insert keeps a new passkey of somebody who has fewer than most, and tells whether
// nobody, of all people, has one with this credential id. The owner's row is locked:
// of parallel ones none goes beyond the limit.
func (s Store) Insert(ctx context.Context, p Passkey) (bool, error) {
	var have int
	err := s.DB.QueryRow(ctx, `
		WITH owner AS (SELECT id FROM better_auth.users WHERE id = $1 FOR NO KEY UPDATE)
		SELECT (SELECT count(*) FROM better_auth.passkeys WHERE user_id = owner.id) FROM owner`, p.UserID).Scan(&have)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, wire.ErrUnauthorized // deleted meanwhile
	case err != nil:
		return false, fmt.Errorf("count passkeys: %w", err)
	case have >= most:
		return false, ErrFull
	}
	// The conflict is with a passkey that exists, or with a parallel registration.
	tag, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.passkeys (`+columns+`)
		VALUES (@id, @user_id, @name, @credential_id, @public_key, @counter, @device_type, @backed_up, @transports, @aaguid, @user_handle, @created_at)
		ON CONFLICT (credential_id) DO NOTHING`,
		pgx.NamedArgs{
			"id": p.ID, "user_id": p.UserID, "name": p.Name, "credential_id": p.CredentialID, "public_key": p.PublicKey, "counter": p.Counter,
			"device_type": p.DeviceType, "backed_up": p.BackedUp, "transports": p.Transports, "aaguid": p.AAGUID, "user_handle": p.UserHandle,
			"created_at": p.CreatedAt,
		})
	if err != nil {
		return false, fmt.Errorf("insert passkey: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// ByCredential returns the passkey with this credential id, or errNone.
func (s Store) ByCredential(ctx context.Context, id []byte) (Passkey, error) {
	rows, _ := s.DB.Query(ctx, `SELECT `+columns+` FROM better_auth.passkeys WHERE credential_id = $1`, id)
	return one(rows, "passkey by credential")
}

// OfUser lists a person's passkeys, the oldest first.
func (s Store) OfUser(ctx context.Context, userID string) ([]Passkey, error) {
	rows, _ := s.DB.Query(ctx, `SELECT `+columns+` FROM better_auth.passkeys WHERE user_id = $1 ORDER BY created_at, id`, userID)
	got, err := pgx.CollectRows(rows, pgx.RowToStructByName[Passkey])
	if err != nil {
		return nil, fmt.Errorf("passkeys of user: %w", err)
	}
	return got, nil
}

// Use enters that a passkey was used and tells whether its counter went on: one
// that stands still or falls is a copy, or an answer that was used before.
// Authenticators without a counter always say 0.
func (s Store) Use(ctx context.Context, id string, counter int64, backedUp bool, now time.Time) (bool, error) {
	tag, err := s.DB.Exec(ctx, `
		UPDATE better_auth.passkeys SET counter = $2, backed_up = $3, last_used_at = $4
		WHERE id = $1 AND (counter < $2 OR counter = 0 AND $2 = 0)`, id, counter, backedUp, now)
	if err != nil {
		return false, fmt.Errorf("use passkey: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Rename names a person's own passkey, or returns errNone.
func (s Store) Rename(ctx context.Context, userID, id, name string) (Passkey, error) {
	rows, _ := s.DB.Query(ctx, `
		UPDATE better_auth.passkeys SET name = $3
		WHERE id = $1 AND user_id = $2
		RETURNING `+columns, id, userID, name)
	return one(rows, "rename passkey")
}

// Delete forgets a person's own passkey, or returns errNone.
func (s Store) Delete(ctx context.Context, userID, id string) error {
	tag, err := s.DB.Exec(ctx, `DELETE FROM better_auth.passkeys WHERE id = $1 AND user_id = $2`, id, userID)
	switch {
	case err != nil:
		return fmt.Errorf("delete passkey: %w", err)
	case tag.RowsAffected() == 0:
		return errNone
	}
	return nil
}

func one(rows pgx.Rows, what string) (Passkey, error) {
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Passkey])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Passkey{}, errNone
	case err != nil:
		return Passkey{}, fmt.Errorf("%s: %w", what, err)
	}
	return p, nil
}
