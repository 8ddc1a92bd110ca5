package magiclink

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (l *Links) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "signInMagicLink", Path: "/sign-in/magic-link", Summary: "Mail a link that signs in", Errors: []int{400, 403, 429}}, l.request)
	wire.GetPage(r, wire.Op{ID: "verifyMagicLink", Path: "/magic-link/verify", Query: []string{"token", "callbackURL", "newUserCallbackURL", "errorCallbackURL"}, Summary: "Open the link of a sign-in letter", Errors: []int{400, 403}}, l.open)
}

type requestForm struct {
	Email              validation.Email `json:"email"`
	Name               *string          `json:"name" max:"200" doc:"Of somebody who has no account yet"`
	CallbackURL        *string          `json:"callbackURL" doc:"Where the link leads on to"`
	NewUserCallbackURL *string          `json:"newUserCallbackURL" doc:"Where it leads somebody new"`
	ErrorCallbackURL   *string          `json:"errorCallbackURL" doc:"Where it leads when it does not work"`
	Metadata           json.RawMessage  `json:"metadata" doc:"Ignored: letters come from templates"`
}

func (l *Links) request(ctx context.Context, c *wire.Call, in requestForm) (*wire.Answer[wire.Status], error) {
	began, email := time.Now(), in.Email.String()
	if err := l.Limits.Letter(ctx, email); err != nil {
		return nil, err
	}
	pages := url.Values{"callbackURL": {cmp.Or(value(in.CallbackURL), "/")}}
	for name, page := range map[string]*string{"newUserCallbackURL": in.NewUserCallbackURL, "errorCallbackURL": in.ErrorCallbackURL} {
		if value(page) != "" {
			pages.Set(name, *page)
		}
	}
	if err := l.write(ctx, c, asked{Email: email, Name: value(in.Name)}, pages); err != nil {
		return nil, err
	}
	return wire.OK(wire.Status{Status: true}), wire.AtLeast(ctx, began, l.Floor)
}

// Opened is what a link answers that leads nowhere else.
type Opened struct {
	entrance.Body
	Session *session.View `json:"session,omitempty"`
}

func (l *Links) open(ctx context.Context, c *wire.Call) (*wire.Page, error) {
	token, err := c.MustQuery("token")
	if err != nil {
		return nil, err
	}
	to := c.Query("callbackURL")
	in, err := l.use(ctx, c, token)
	if err != nil {
		err = l.Entrance.Audit.Refused(ctx, l.Entrance.Sessions.Store.DB, c, audit.SignedIn, method, err)
	}
	var refused *problem.Problem
	switch {
	case errors.As(err, &refused):
		failed := cmp.Or(c.Query("errorCallbackURL"), to, l.Base+"/error")
		return wire.Redirect(wire.AddQuery(l.absolute(failed), "error", refused.Code)), nil
	case err != nil:
		return nil, err
	}
	if to == "" {
		opened := Opened{Body: l.Entrance.Body(in)}
		if in.Live != nil {
			view := l.Entrance.Sessions.View(in.Live.Session)
			opened.Session = &view
		}
		page := wire.JSON(opened)
		return page, l.Entrance.Admit(ctx, c, &page.Headers, in)
	}
	if in.New {
		to = cmp.Or(c.Query("newUserCallbackURL"), to)
	}
	page := wire.Redirect(l.Entrance.Onward(in, l.absolute(to)))
	return page, l.Entrance.Admit(ctx, c, &page.Headers, in)
}

// absolute gives the address that a link leads on to: a path is one of ours.
func (l *Links) absolute(to string) string {
	if strings.HasPrefix(to, "/") {
		return l.Origin + to
	}
	return to
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
