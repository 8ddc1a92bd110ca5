// Package conformance_test asks the whole contract of the accounts API through
// the unmodified client, directly and through the gateway, with and without
// proof of addresses, and keeps the table of what passes.
package conformance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/deploy/e2e/stack"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/oidc"
)

// mode is where the API is asked and whether an address must be proven.
type mode struct{ place, verification string }

var modes = []mode{
	{"directly at auth", "required"}, {"through the gateway", "required"},
	{"directly at auth", "optional"}, {"through the gateway", "optional"},
}

func titles() []string {
	var all []string
	for _, m := range modes {
		all = append(all, m.place+", proof "+m.verification)
	}
	return all
}

// clients are the entrances of the official package; harness.mjs has them too.
var clients = []string{"vanilla", "svelte"}

const (
	everybodysPassword = "correct-horse-battery-staple-9" // browser.mjs's
	administrator      = "root@example.test"
)

// call is one call that the client made.
type call struct {
	Method, Path string
	Status       int
}

// record is a test that passed.
type record struct {
	Place, Client, Test string
	Calls               []call
}

// hinted is a provider that signs in whoever the login hint names.
type hinted struct {
	*oidc.Server
	mu sync.Mutex
}

func (h *hinted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if email := r.URL.Query().Get("login_hint"); email != "" {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.Be(oidc.Person{Subject: "sub of " + email, Email: email, Verified: true, Name: "Ada Lovelace"})
	}
	h.Server.ServeHTTP(w, r)
}

// server is one stack with its settings.
type server struct {
	verification string
	deletion     string // of accounts: with the password, or by mail
	settings     []string
	tests        string // a pattern of the names of those that are run
	*stack.Stack
}

var servers = []*server{
	{verification: "required", deletion: "password", settings: []string{"REQUIRE_EMAIL_VERIFICATION=true"}, tests: "."},
	{verification: "optional", deletion: "mail", settings: []string{"REQUIRE_EMAIL_VERIFICATION=false", "DELETE_USER_BY_MAIL=true"}, tests: "."},
	{verification: "required", deletion: "mail", settings: []string{"REQUIRE_EMAIL_VERIFICATION=true", "DELETE_USER_BY_MAIL=true"}, tests: "ends the account"},
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	flag.Parse()
	if testing.Short() {
		return m.Run()
	}
	provider := &hinted{Server: oidc.New(oidc.Options{})}
	front := httptest.NewServer(provider)
	defer front.Close()
	provider.URL = front.URL
	for _, x := range servers {
		s, err := stack.Start(append(x.settings,
			"OIDC_PROVIDERS=acme", "OIDC_ACME_ISSUER="+provider.URL, "OIDC_ACME_CLIENT_ID="+provider.ClientID, "OIDC_ACME_CLIENT_SECRET="+provider.Secret,
			"ANONYMOUS=on", "API_KEY_SESSIONS=on", "LAST_LOGIN_METHOD=on", "EMAIL_CODE_CHANGE_EMAIL=on", "EMAIL_CODE_CHANGE_CONFIRM=off",
			"ANSWER_FLOOR=20ms", "PASSWORD_ANSWER_FLOOR=20ms", "USER_FIELDS=plan:string,max=20,default=free", "SESSION_FIELDS=theme:string,max=20",
		)...)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() {
			if err := s.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}()
		x.Stack = s
	}
	return m.Run()
}

// The whole contract, with every client, in every mode; the table in auth's
// README says so. UPDATE=1 writes it.
func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the whole product; run without -short")
	}
	t.Parallel()
	var mu sync.Mutex
	found := map[string][]record{}
	t.Run("modes", func(t *testing.T) {
		for _, x := range servers {
			t.Run("proof "+x.verification+", deletion by "+x.deletion, func(t *testing.T) {
				t.Parallel()
				records := ask(t, x)
				mu.Lock()
				defer mu.Unlock()
				found[x.verification] = append(found[x.verification], records...)
			})
		}
	})
	operations := readOperations(t)
	passed := map[mode]map[string]bool{}
	for _, m := range modes {
		passed[m] = map[string]bool{}
		for _, o := range operations {
			passed[m][o.ID] = passes(o, m, found[m.verification])
			if mark(o, m, passed) == "**fails**" && !o.NotServed {
				t.Errorf("%s %s: no test passes %s, proof %s", o.Method, o.Path, m.place, m.verification)
			}
		}
	}
	if !t.Failed() {
		checkTable(t, table(operations, passed))
	}
}

// passes tells whether every client has a test that passed and had the
// operation's success.
func passes(o *operation, m mode, records []record) bool {
	by := map[string]bool{}
	for _, r := range records {
		for _, c := range r.Calls {
			if r.Place == m.place && o.answered(c) {
				by[r.Client] = true
			}
		}
	}
	return len(by) == len(clients)
}

// ask runs the client's tests against a server.
func ask(t *testing.T, x *server) []record {
	t.Helper()
	dev, err := x.Dev()
	if err != nil {
		t.Fatal(err)
	}
	promote(t, dev)
	lines := filepath.Join(t.TempDir(), "records")
	node := exec.CommandContext(t.Context(), "node", "--test-reporter=spec", "--test-name-pattern="+x.tests, "conformance/all.mjs")
	node.Dir = filepath.Join("..", "client")
	node.Env = append(os.Environ(), "GATEWAY_URL="+dev.PublicURL, "AUTH_URL="+dev.Services["auth"].URL, "INBOX_URL="+dev.Inbox.URL, "PUBLIC_URL="+dev.PublicURL,
		"VERIFICATION="+x.verification, "DELETION="+x.deletion, "ADMIN_EMAIL="+administrator, "RECORDS="+lines)
	if said, err := node.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	return readRecords(t, lines)
}

// promote makes the administrator.
func promote(t *testing.T, dev stack.Dev) {
	t.Helper()
	p := stack.Visitor(t, dev)
	p.Want(t, http.StatusOK, http.MethodPost, prefix+"/sign-up/email", map[string]string{"name": "Root", "email": administrator, "password": everybodysPassword})
	ctx := context.WithoutCancel(t.Context())
	db, err := pgx.Connect(ctx, dev.Database.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	if _, err := db.Exec(ctx, `UPDATE better_auth.users SET role = 'admin', email_verified = true, version = version + 1 WHERE email = $1`, administrator); err != nil {
		t.Fatal(err)
	}
}

func readRecords(t *testing.T, path string) []record {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []record
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

const begin, end = "<!-- conformance: begin -->\n", "<!-- conformance: end -->\n"

// checkTable compares the table with the one in the README.
func checkTable(t *testing.T, want string) {
	t.Helper()
	path := filepath.Join(testkit.Root(), "services", "auth", "README.md")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), begin)
	have, after, ends := strings.Cut(rest, end)
	if !ok || !ends {
		t.Fatal("auth's README has no place for the table")
	}
	if have == want {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatal("the table in auth's README is stale: run UPDATE=1 go test ./conformance in deploy/e2e")
	}
	if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
