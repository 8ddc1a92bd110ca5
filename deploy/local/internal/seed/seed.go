package seed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/testkit/inbox"
)

// Account is a log-in of the demo.
type Account struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	name     string
}

// Result is what the demo consists of.
type Result struct {
	Demo, Admin Account
}

// Garden is where the demo is planted.
type Garden struct {
	PublicURL     string
	Auth          string        // where auth's API begins below it
	Database      string        // administrator's address: only it may make somebody an admin
	Inbox         *inbox.Server // nil: mail goes elsewhere, and the addresses are confirmed in the database
	StandIn       bool          // Stripe is the stand-in, whose pay page takes no money
	DemoPassword  string
	AdminPassword string
}

const (
	demoEmail  = "demo@codex.localhost"
	adminEmail = "admin@codex.localhost"
	limit      = 60 * time.Second
)

// Plant makes what is missing of the demo. It leaves alone an account that is there already: its owner may have changed it.
func (g Garden) Plant(ctx context.Context) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r := Result{Demo: Account{demoEmail, g.DemoPassword, "Demo"}, Admin: Account{adminEmail, g.AdminPassword, "Admin"}}
	db, err := pgx.Connect(ctx, g.Database)
	if err != nil {
		return r, fmt.Errorf("demo: %w", err)
	}
	defer db.Close(ctx)
	if err := g.demo(ctx, db, r.Demo); err != nil {
		return r, fmt.Errorf("demo user: %w", err)
	}
	if err := g.admin(ctx, db, r.Admin); err != nil {
		return r, fmt.Errorf("demo admin: %w", err)
	}
	return r, nil
}

func (g Garden) demo(ctx context.Context, db *pgx.Conn, a Account) error {
	there, err := exists(ctx, db, a)
	if err != nil {
		return err
	}
	p, err := newPerson(g.PublicURL)
	if err != nil {
		return err
	}
	if !there {
		if err := g.signUp(ctx, db, p, a); err != nil {
			return err
		}
	}
	if err := g.signIn(ctx, p, a); err != nil {
		if there {
			return nil // the password was changed: the account is the developer's now
		}
		return err
	}
	if err := p.putFiles(ctx); err != nil {
		return err
	}
	if !g.StandIn {
		return nil
	}
	return p.buyPlan(ctx)
}

func (g Garden) admin(ctx context.Context, db *pgx.Conn, a Account) error {
	there, err := exists(ctx, db, a)
	if err != nil || there {
		return err
	}
	p, err := newPerson(g.PublicURL)
	if err != nil {
		return err
	}
	if err := g.signUp(ctx, db, p, a); err != nil {
		return err
	}
	_, err = db.Exec(ctx, "UPDATE better_auth.users SET role = 'admin' WHERE email = $1", a.Email)
	return err
}

func exists(ctx context.Context, db *pgx.Conn, a Account) (there bool, err error) {
	err = db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM better_auth.users WHERE email = $1 AND email_verified)", a.Email).Scan(&there)
	return there, err
}

// signUp makes an account whose address is confirmed. It may be there unconfirmed, from a start that was broken off: the
// service answers the same then, and sends another mail.
func (g Garden) signUp(ctx context.Context, db *pgx.Conn, p *person, a Account) error {
	body := map[string]string{"name": a.name, "email": a.Email, "password": a.Password, "callbackURL": "/"}
	if err := p.call(ctx, http.MethodPost, g.Auth+"/sign-up/email", body, nil); err != nil {
		return err
	}
	if g.Inbox == nil {
		_, err := db.Exec(ctx, "UPDATE better_auth.users SET email_verified = true WHERE email = $1", a.Email)
		return err
	}
	link, err := g.verification(ctx, a.Email)
	if err != nil {
		return err
	}
	return p.open(ctx, link)
}

// verification waits for the mail and takes the link from it.
func (g Garden) verification(ctx context.Context, email string) (string, error) {
	m, err := g.Inbox.Wait(ctx, email)
	if err != nil {
		return "", fmt.Errorf("verification mail: %w", err)
	}
	for _, link := range m.Links() {
		if strings.Contains(link, "token=") {
			return link, nil
		}
	}
	return "", errors.New("the verification mail holds no link")
}

func (g Garden) signIn(ctx context.Context, p *person, a Account) error {
	body := map[string]string{"email": a.Email, "password": a.Password}
	return p.call(ctx, http.MethodPost, g.Auth+"/sign-in/email", body, nil)
}

// buyPlan pays for the bigger plan at the stand-in and waits until the product knows.
func (p *person) buyPlan(ctx context.Context) error {
	plan := func() (string, error) {
		var got struct{ Plan string }
		err := p.call(ctx, http.MethodGet, "/api/billing/v1/plan", nil, &got)
		return got.Plan, err
	}
	if have, err := plan(); err != nil || have == "pro" {
		return err
	}
	var checkout struct{ URL string }
	if err := p.call(ctx, http.MethodPost, "/api/billing/v1/checkout", map[string]string{"plan": "pro"}, &checkout); err != nil {
		return err
	}
	if err := p.form(ctx, checkout.URL, url.Values{"action": {"pay"}, "card": {"good"}, "number": {"4242 4242 4242 4242"}}); err != nil {
		return err
	}
	return eventually(ctx, func() (bool, error) {
		have, err := plan()
		return have == "pro", err
	})
}
