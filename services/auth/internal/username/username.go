// Package username owns the names that people sign in with beside their address:
// their form, that each is one person's, and the door that takes them.
package username

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/problem"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this feature. Those who choose a name are told what is wrong
// with it in another status than those who come with one.
var (
	ErrCredentials = problem.New(http.StatusUnauthorized, "INVALID_USERNAME_OR_PASSWORD", "Invalid username or password")
	ErrShort       = problem.New(http.StatusUnprocessableEntity, "USERNAME_TOO_SHORT", "Username is too short")
	ErrLong        = problem.New(http.StatusUnprocessableEntity, "USERNAME_TOO_LONG", "Username is too long")
	ErrForm        = problem.New(http.StatusUnprocessableEntity, "INVALID_USERNAME", "Username is invalid")

	chosen = map[*problem.Problem]*problem.Problem{
		ErrShort: problem.New(http.StatusBadRequest, ErrShort.Code, ErrShort.Message),
		ErrLong:  problem.New(http.StatusBadRequest, ErrLong.Code, ErrLong.Message),
		ErrForm:  problem.New(http.StatusBadRequest, ErrForm.Code, ErrForm.Message),
	}
)

const (
	longestDisplay = 100

	// held is the purpose of names that are kept from others, and holding is how long.
	held    = "username"
	holding = 30 * 24 * time.Hour
)

var form = regexp.MustCompile(`^[A-Za-z0-9_.]+$`)

// check refuses what cannot be a name.
func (n *Names) check(name string) *problem.Problem {
	switch {
	case len(name) < n.Shortest:
		return ErrShort
	case len(name) > n.Longest:
		return ErrLong
	case !form.MatchString(name):
		return ErrForm
	}
	return nil
}

// Names gives people names.
type Names struct {
	Store    Store
	Accounts *account.Accounts
	Limits   *limit.Limits
	Once     once.Secrets
	// Shortest and Longest bound a name, in characters.
	Shortest, Longest int
}

// Chosen is account.Names's: a display name that can be a name is one, and a name
// is shown as it was typed. There is nothing yet that null could take away.
func (n *Names) Chosen(ctx context.Context, m wire.Members) (name, display *string, err error) {
	wanted, display, err := typed(given(m))
	if err != nil {
		return nil, nil, err
	}
	if wanted == nil && display != nil && n.check(*display) == nil {
		wanted = display
	}
	if wanted == nil {
		return nil, display, nil
	}
	if display == nil {
		display = wanted
	}
	name, err = n.free(ctx, *wanted, "")
	return name, display, err
}

// Changed reads a new name of a person, who may choose the own one again.
func (n *Names) Changed(ctx context.Context, m wire.Members, userID string) (name, display *string, err error) {
	wanted, display, err := typed(m)
	if err != nil || wanted == nil {
		return nil, display, err
	}
	name, err = n.free(ctx, *wanted, userID)
	return name, display, err
}

// given leaves out the members that are null.
func given(m wire.Members) wire.Members {
	return slices.DeleteFunc(slices.Clone(m), func(x wire.Member) bool { return string(x.Value) == "null" })
}

// typed reads what a body says of names.
func typed(m wire.Members) (name, display *string, err error) {
	if name, err = text(m, "username"); err != nil {
		return nil, nil, err
	}
	display, err = text(m, "displayUsername")
	if err == nil && display != nil && (utf8.RuneCountInString(*display) > longestDisplay || strings.ContainsFunc(*display, unicode.IsControl)) {
		err = wire.Invalid("body.displayUsername", "Invalid input")
	}
	return name, display, err
}

func text(m wire.Members, name string) (*string, error) {
	raw := m.Get(name)
	if raw == nil {
		return nil, nil
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return nil, wire.NotText(name, raw)
	}
	return s, nil
}

// free gives a name as it is stored, unless somebody else has it or it is held. It
// is asked before an account is made, and for a known address too: the answer must
// not depend on whether one will be made. The unique index settles a race.
func (n *Names) free(ctx context.Context, typed, userID string) (*string, error) {
	if p := n.check(typed); p != nil {
		return nil, chosen[p]
	}
	name := strings.ToLower(typed)
	has, err := n.holder(ctx, name)
	if err != nil {
		return nil, err
	}
	if has != "" && has != userID {
		return nil, user.ErrUsernameTaken
	}
	return &name, nil
}

// holder gives who has a name, or for whom it is held; "" for nobody.
func (n *Names) holder(ctx context.Context, name string) (userID string, err error) {
	u, _, err := n.Store.ByName(ctx, name)
	if !errors.Is(err, user.ErrNone) {
		return u.ID, err
	}
	kept, err := n.Once.Peek(ctx, n.Store.DB, held, name)
	if errors.Is(err, once.ErrNone) {
		return "", nil
	}
	return kept.UserID, err
}

// Hold is account.Names's.
func (n *Names) Hold(ctx context.Context, tx pgx.Tx, name, userID string) error {
	return n.Once.Put(ctx, tx, once.Entry{Purpose: held, Key: name, UserID: userID, Life: holding})
}
