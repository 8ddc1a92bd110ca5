package main

import (
	"net/http"
	"testing"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit/forgery"
)

// Somebody of another OpenID Connect issuer keeps files here, apart from everybody
// who has the same id elsewhere.
func TestIssuer_besideOurOwnBringsItsUsers(t *testing.T) {
	t.Parallel()
	idp := forgery.NewIssuer(t, "files")
	w := newWorld(t, func(s *settings) {
		if err := s.Issuers.Trusted.UnmarshalText([]byte(idp.URL + "|files")); err != nil {
			t.Fatal(err)
		}
	})
	foreign := client{w, idp.Token(t, "ada")}
	f := foreign.upload("notes.txt", "hello")
	if got := foreign.do(http.MethodGet, contentOf(f.ID), nil); got.status != http.StatusOK || string(got.body) != "hello" {
		t.Fatalf("content: %d %q", got.status, got.body)
	}
	w.as("ada").do(http.MethodGet, filesPath+"/"+f.ID, nil).refused(t, http.StatusNotFound, "FILE_NOT_FOUND")
	// Other services name the user by the id that issuer and subject make.
	if got := w.asService().do(http.MethodDelete, "/internal/v1/users/"+security.ForeignID(idp.URL, "ada"), nil); got.status >= 300 {
		t.Fatalf("delete the user: %d %s", got.status, got.body)
	}
	w.eventually(func() bool { return len(w.keysOfFiles()) == 0 }, func() string { return "the files are still there" })
	strange := client{w, forgery.NewIssuer(t, "files").Token(t, "ada")}
	strange.do(http.MethodGet, filesPath, nil).refused(t, http.StatusUnauthorized, "UNAUTHORIZED")
}
