package admin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/codex-platform/codex/pkg/problem"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/permission"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (a *Admin) Routes(r *wire.Router) {
	op := func(id, path, summary string, errors ...int) wire.Op {
		return wire.Op{ID: id, Path: "/admin" + path, Summary: summary, Session: true, Errors: append([]int{401, 403}, errors...)}
	}
	list := op("adminListUsers", "/list-users", "People, searched, filtered and sorted", 400)
	list.Query = []string{
		"searchValue", "searchField", "searchOperator", "filterField", "filterValue", "filterOperator", "sortBy", "sortDirection", "limit", "offset",
	}
	wire.Get(r, list, a.list)
	get := op("adminGetUser", "/get-user", "OnePerson person", 400, 404)
	get.Query = []string{"id"}
	wire.Get(r, get, a.get)
	wire.Post(r, op("adminCreateUser", "/create-user", "Make an account for somebody", 400), a.postCreate)
	wire.Post(r, op("adminUpdateUser", "/update-user", "Change a person", 400, 404), a.postUpdate)
	wire.Post(r, op("adminSetRole", "/set-role", "Give a person other roles", 400, 404), a.postSetRole)
	wire.Post(r, op("adminBanUser", "/ban-user", "Keep a person out and end all sessions", 400, 404), a.postBan)
	wire.Post(r, op("adminUnbanUser", "/unban-user", "Let a person in again", 404), a.postUnban)
	wire.Post(r, op("adminImpersonateUser", "/impersonate-user", "Act as a person for a while", 400, 404), a.postImpersonate)
	stop := op("adminStopImpersonating", "/stop-impersonating", "Be oneself again", 400)
	stop.OnBehalf = true
	wire.Post(r, stop, a.postStop)
	wire.Post(r, op("adminListUserSessions", "/list-user-sessions", "A person's sessions", 404), a.postSessions)
	wire.Post(r, op("adminRevokeUserSession", "/revoke-user-session", "End one session of a person"), a.postRevoke)
	wire.Post(r, op("adminRevokeUserSessions", "/revoke-user-sessions", "End all sessions of a person", 404), a.postRevokeAll)
	wire.Post(r, op("adminSetUserPassword", "/set-user-password", "Give a person another password", 400, 404), a.postSetPassword)
	wire.Post(r, op("adminRemoveUser", "/remove-user", "End a person's account", 400, 404), a.postRemove)
	has := op("adminHasPermission", "/has-permission", "Whether the caller may do something", 400)
	has.OnBehalf = true
	wire.Post(r, has, a.postHasPermission)
}

// asking gives the caller, who must have a permission. That somebody tried
// without it is recorded.
func (a *Admin) asking(ctx context.Context, c *wire.Call, needs string, refusal *problem.Problem) (*session.Live, error) {
	live, err := a.Sessions.Stored(ctx, c)
	if err != nil || a.Rules.May(live.User, needs) {
		return live, err
	}
	return nil, a.refused(ctx, c, live, needs, refusal)
}

// Searcher gives the caller, who must be allowed to read everybody's record.
func (a *Admin) Searcher(ctx context.Context, c *wire.Call) (*session.Live, error) {
	return a.asking(ctx, c, permission.AuditList, ErrListAuditEvents)
}

func (a *Admin) refused(ctx context.Context, c *wire.Call, live *session.Live, needs string, refusal error) error {
	err := a.Audit.Record(ctx, a.Store.DB, c, audit.Event{
		Kind: audit.AdminRefused, UserID: live.UserID, SessionID: live.ID, Failed: true, Details: map[string]string{"permission": needs},
	})
	if err != nil {
		return err
	}
	return refusal
}

// answer is a body with the caller's cookie, where that is to be sent again.
func answer[B any](a *Admin, c *wire.Call, live *session.Live, body B) *wire.Answer[B] {
	out := wire.OK(body)
	a.Sessions.Renew(&out.Headers, c, live)
	return out
}

// People is a page of the list.
type People struct {
	Users  []user.Profile `json:"users"`
	Total  int64          `json:"total" doc:"How many there are on all pages"`
	Limit  int            `json:"limit,omitempty"`
	Offset int            `json:"offset,omitempty"`
}

func (a *Admin) list(ctx context.Context, c *wire.Call) (*wire.Answer[People], error) {
	live, err := a.asking(ctx, c, permission.UserList, ErrListUsers)
	if err != nil {
		return nil, err
	}
	q, err := readQuery(c, a.Sessions.Shape.Fields)
	if err != nil {
		return nil, err
	}
	found, total, err := a.Store.List(ctx, q)
	if err != nil {
		return nil, err
	}
	page := People{Users: []user.Profile{}, Total: total, Offset: q.Offset}
	if c.Query("limit") != "" {
		page.Limit = q.Limit
	}
	for _, u := range found {
		page.Users = append(page.Users, a.Sessions.Shape.Profile(u))
	}
	return answer(a, c, live, page), nil
}

func (a *Admin) get(ctx context.Context, c *wire.Call) (*wire.Answer[user.Profile], error) {
	live, err := a.asking(ctx, c, permission.UserGet, ErrGetUser)
	if err != nil {
		return nil, err
	}
	id, err := c.MustQuery("id")
	if err != nil {
		return nil, err
	}
	u, err := a.Store.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return answer(a, c, live, a.Sessions.Shape.Profile(u)), nil
}

// OnePerson is the body {"user"}.
type OnePerson struct {
	User user.Profile `json:"user"`
}

func (a *Admin) one(c *wire.Call, live *session.Live, u user.User) *wire.Answer[OnePerson] {
	return answer(a, c, live, OnePerson{a.Sessions.Shape.Profile(u)})
}

type roleForm struct {
	UserID string          `json:"userId"`
	Role   json.RawMessage `json:"role" required:"true" doc:"OnePerson role, or a list of them"`
}

func (a *Admin) postSetRole(ctx context.Context, c *wire.Call, in roleForm) (*wire.Answer[OnePerson], error) {
	live, err := a.asking(ctx, c, permission.UserSetRole, ErrChangeRole)
	if err != nil {
		return nil, err
	}
	role, err := a.readRole(in.Role)
	if err != nil {
		return nil, err
	}
	u, err := a.Update(ctx, Deed{c, live, ErrChangeRole}, in.UserID, Change{Role: &role})
	if err != nil {
		return nil, err
	}
	return a.one(c, live, u), nil
}

// readRole takes a role or a list of roles.
func (a *Admin) readRole(raw json.RawMessage) (string, error) {
	var one string
	var many []string
	switch {
	case json.Unmarshal(raw, &one) == nil:
		return a.ParseRoles(one)
	case json.Unmarshal(raw, &many) == nil:
		return a.ParseRoles(many...)
	}
	return "", wire.Invalid("body.role", "Invalid input: expected string or array of strings")
}

// longestBan is longer than anything that is meant, and still a date.
const longestBan = 100 * 365 * 24 * time.Hour

type banForm struct {
	UserID    string  `json:"userId"`
	Reason    *string `json:"banReason" max:"500"`
	ExpiresIn *int64  `json:"banExpiresIn" doc:"Seconds; for good without it"`
}

func (a *Admin) postBan(ctx context.Context, c *wire.Call, in banForm) (*wire.Answer[OnePerson], error) {
	live, err := a.asking(ctx, c, permission.UserBan, ErrBanUsers)
	if err != nil {
		return nil, err
	}
	if in.UserID == live.UserID {
		return nil, ErrBanSelf
	}
	reason, until := "No reason", (*time.Time)(nil)
	if in.Reason != nil && *in.Reason != "" {
		reason = *in.Reason
	}
	if in.ExpiresIn != nil {
		if *in.ExpiresIn < 1 || *in.ExpiresIn > int64(longestBan.Seconds()) {
			return nil, wire.Invalid("body.banExpiresIn", "Invalid input: expected seconds between 1 and 3153600000")
		}
		end := wire.Moment(a.Now().Add(time.Duration(*in.ExpiresIn) * time.Second))
		until = &end
	}
	u, err := a.Ban(ctx, Deed{c, live, ErrBanUsers}, in.UserID, reason, until)
	if err != nil {
		return nil, err
	}
	return a.one(c, live, u), nil
}

type userForm struct {
	UserID string `json:"userId"`
}

func (a *Admin) postUnban(ctx context.Context, c *wire.Call, in userForm) (*wire.Answer[OnePerson], error) {
	live, err := a.asking(ctx, c, permission.UserBan, ErrBanUsers)
	if err != nil {
		return nil, err
	}
	u, err := a.Unban(ctx, Deed{c, live, ErrBanUsers}, in.UserID)
	if err != nil {
		return nil, err
	}
	return a.one(c, live, u), nil
}

type passwordForm struct {
	UserID   string `json:"userId"`
	Password string `json:"newPassword"`
}

func (a *Admin) postSetPassword(ctx context.Context, c *wire.Call, in passwordForm) (*wire.Answer[wire.Status], error) {
	live, err := a.asking(ctx, c, permission.UserSetPassword, ErrSetPassword)
	if err != nil {
		return nil, err
	}
	u, err := a.Store.Get(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	chosen, err := a.Passwords.Choose(in.Password, u.Email, u.Name)
	if err != nil {
		return nil, err
	}
	if err := a.SetPassword(ctx, Deed{c, live, ErrSetPassword}, in.UserID, chosen); err != nil {
		return nil, err
	}
	return answer(a, c, live, wire.Status{Status: true}), nil
}

func (a *Admin) postRemove(ctx context.Context, c *wire.Call, in userForm) (*wire.Answer[wire.Success], error) {
	live, err := a.asking(ctx, c, permission.UserDelete, ErrDeleteUsers)
	if err != nil {
		return nil, err
	}
	if in.UserID == live.UserID {
		return nil, ErrRemoveSelf
	}
	if err := a.Remove(ctx, Deed{c, live, ErrDeleteUsers}, in.UserID); err != nil {
		return nil, err
	}
	return answer(a, c, live, wire.Success{Success: true}), nil
}

type permissionForm struct {
	Permissions json.RawMessage `json:"permissions" required:"true" doc:"Actions by resource, as in {\"user\":[\"ban\"]}"`
}

// Permitted is what has-permission answers.
type Permitted struct {
	Error   *string `json:"error"`
	Success bool    `json:"success"`
}

func (a *Admin) postHasPermission(ctx context.Context, c *wire.Call, in permissionForm) (*wire.Answer[Permitted], error) {
	live, err := a.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	var asked map[string][]string
	if json.Unmarshal(in.Permissions, &asked) != nil || len(asked) == 0 {
		return nil, wire.Invalid("body.permissions", "Invalid input: expected actions by resource")
	}
	has, wants := a.Rules.Of(live.User), permission.Set{}
	for resource, actions := range asked {
		for _, action := range actions {
			wants[resource+":"+action] = true
		}
	}
	return answer(a, c, live, Permitted{Success: has.Covers(wants)}), nil
}
