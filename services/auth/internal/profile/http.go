// Package profile owns what people change of themselves, and what other services
// may ask about them.
package profile

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this feature.
var (
	ErrEmail   = problem.New(http.StatusBadRequest, "EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated")
	ErrUnknown = problem.New(http.StatusNotFound, "USER_NOT_FOUND", "User not found")
)

// Handler serves profiles.
type Handler struct {
	DB       database.Beginner
	Users    user.Store
	Sessions *session.Registry
	Audit    *audit.Log
	Services security.ServiceTokens
	// Names reads a new user name of a person from a body; nil: people have none.
	Names func(ctx context.Context, m wire.Members, userID string) (name, display *string, err error)
	Now   func() time.Time
	Log   *slog.Logger
}

// Routes names every operation of this feature for the public.
func (h *Handler) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "updateUser", Path: "/update-user", Summary: "Change the caller's name, picture or user name", Session: true, Errors: []int{400, 401}}, h.update)
}

type updateForm struct {
	Name  *string   `json:"name" max:"200"`
	Image wire.Text `json:"image" max:"2048" is:"picture"`
}

// change is what a body asks for.
func (h *Handler) change(ctx context.Context, c *wire.Call, in updateForm, userID string) (user.Change, error) {
	change := user.Change{Name: in.Name, SetImage: in.Image.Set, Image: in.Image.Value}
	var err error
	if h.Names != nil {
		if change.Username, change.Display, err = h.Names(ctx, c.Members(), userID); err != nil {
			return change, err
		}
	}
	if change.Extra, err = h.Sessions.Shape.Fields.Changed(c.Members()); err != nil {
		return change, err
	}
	if change.Empty() {
		return change, wire.ErrNothingToUpdate
	}
	return change, nil
}

func (h *Handler) update(ctx context.Context, c *wire.Call, in updateForm) (*wire.Answer[wire.Status], error) {
	live, err := h.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	switch err := user.Protected(c.Members()); {
	case c.Members().Get("email") != nil:
		return nil, ErrEmail
	case err != nil:
		return nil, err
	}
	change, err := h.change(ctx, c, in, live.UserID)
	if err != nil {
		return nil, err
	}
	if err := h.keep(ctx, c, live, change); err != nil {
		return nil, err
	}
	if err := h.Sessions.Changed(ctx, live.UserID); err != nil {
		return nil, err
	}
	h.Log.InfoContext(ctx, "profile changed", "user_id", live.UserID)
	answer := wire.OK(wire.Status{Status: true})
	h.Sessions.Cookies.Set(&answer.Headers, c, live.Token, h.Sessions.CookieLife(live))
	return answer, nil
}

// keep writes a change, and that it was made.
func (h *Handler) keep(ctx context.Context, c *wire.Call, live *session.Live, change user.Change) error {
	return database.InTx(ctx, h.DB, func(tx pgx.Tx) error {
		_, err := user.Store{DB: tx}.Update(ctx, live.UserID, change, wire.Moment(h.Now()))
		if errors.Is(err, user.ErrNone) {
			return wire.ErrUnauthorized // deleted a moment ago
		} else if err != nil {
			return err
		}
		return h.Audit.Record(ctx, tx, c, audit.Event{
			Kind: audit.ProfileChanged, UserID: live.UserID, SessionID: live.ID, Details: map[string]string{"changed": change.Names()},
		})
	})
}

// InternalRoutes names every operation of this feature for other services.
func (h *Handler) InternalRoutes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "internalUser", Method: http.MethodGet, Path: "/internal/v1/users/{id}",
		Summary: "A person, for other services", Tags: []string{"internal"},
		Middlewares: huma.Middlewares{httpapi.Internal(h.Services)}, Errors: []int{401, 404},
	}, h.internal)
}

type internalInput struct {
	ID validation.UserID `path:"id" maxLength:"64"`
}

type internalOutput struct {
	Body struct {
		ID            string `json:"id"`
		Email         string `json:"email"`
		Name          string `json:"name"`
		EmailVerified bool   `json:"email_verified"`
		Role          string `json:"role"`
	}
}

func (h *Handler) internal(ctx context.Context, in *internalInput) (*internalOutput, error) {
	u, err := h.Users.ByID(ctx, string(in.ID))
	switch {
	case errors.Is(err, user.ErrNone):
		return nil, ErrUnknown
	case err != nil:
		return nil, err
	}
	out := &internalOutput{}
	out.Body.ID, out.Body.Email, out.Body.Name = u.ID, u.Email, u.Name
	out.Body.EmailVerified, out.Body.Role = u.EmailVerified, u.Role
	return out, nil
}
