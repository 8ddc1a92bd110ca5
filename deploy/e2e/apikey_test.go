package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

// A program with an API key reaches the services through the gateway, and no longer
// than the key is on and its owner is there.
func TestAPIKeyWorksAtTheGatewayWhileItIsGood(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	program := stack.Visitor(t, dev)
	ask := func(key string) int {
		return program.Do(t, http.MethodGet, "/api/storage/v1/quota", nil, "X-Api-Key", key).Status
	}
	for name, end := range map[string]func(p *stack.Person, id string){
		"switched off": func(p *stack.Person, id string) {
			p.Want(t, http.StatusOK, http.MethodPost, "/api/auth/api-key/update", map[string]any{"keyId": id, "enabled": false})
			p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil) // its owner goes on
		},
		"deleted": func(p *stack.Person, id string) {
			p.Want(t, http.StatusOK, http.MethodPost, "/api/auth/api-key/delete", map[string]any{"keyId": id})
		},
		"left without its owner": func(p *stack.Person, _ string) {
			p.Want(t, http.StatusOK, http.MethodPost, "/api/auth/delete-user", map[string]any{"password": p.Password})
		},
	} {
		p := stack.SignedUp(t, dev)
		var key struct{ Key, ID string }
		p.Want(t, http.StatusOK, http.MethodPost, "/api/auth/api-key/create", map[string]any{"name": "ci"}).JSON(t, &key)
		if got := ask(key.Key); got != http.StatusOK {
			t.Fatalf("%s: before: %d", name, got)
		}
		end(p, key.ID)
		ended := time.Now()
		stack.Eventually(t, 2*time.Second, "401 for a key that is "+name, func() bool { return ask(key.Key) == http.StatusUnauthorized })
		t.Logf("FIGURE a key that was %s refused %d ms after the answer (at most 100)", name, time.Since(ended).Milliseconds())
	}
	if got := ask("nobodys-key"); got != http.StatusUnauthorized {
		t.Errorf("a key of nobody: %d", got)
	}
}
