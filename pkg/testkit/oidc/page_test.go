package oidc_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/testkit/oidc"
)

func TestPage_offersWhomTheClientNames(t *testing.T) {
	t.Parallel()
	server := oidc.New(oidc.Options{Ask: true})
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	server.URL = front.URL
	for hint, shown := range map[string]string{"": "ada@example.test", "grace@example.test": "grace@example.test", `"><script>`: `&#34;&gt;&lt;script&gt;`} {
		q := url.Values{
			"client_id": {server.ClientID}, "response_type": {"code"}, "redirect_uri": {"http://localhost:8000/callback"}, "state": {"s"}, "scope": {"openid"},
			"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"}, "login_hint": {hint},
		}
		res, err := http.Get(front.URL + "/authorize?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !strings.Contains(string(text), `type="email" value="`+shown+`"`) {
			t.Errorf("%s: %d %v %s", hint, res.StatusCode, err, text)
		}
	}
}
