package main

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
)

// asService speaks as another service does.
func (w *world) asService() *browser {
	b := w.stranger()
	b.headers["Authorization"] = "Bearer " + serviceToken
	return b
}

// program is a client that shows an API key.
func (w *world) program(key string) *browser {
	b := w.stranger()
	b.headers["X-Api-Key"] = key
	return b
}

func TestAPIKey_isThatOfTheContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"API_KEY_LIMIT": "10/24h"}})
	b, id := w.person()
	r := b.post("/api-key/create", members{"name": "ci", "prefix": "codex_", "expiresIn": 2592000})
	key, keyID := r.str("key"), r.str("id")
	if r.status != http.StatusOK || !regexp.MustCompile(`^codex_[A-Za-z]{64}$`).MatchString(key) || len(r.body) != 22 {
		t.Fatalf("%d %s", r.status, r.text)
	}
	for name, want := range map[string]any{
		"configId": "default", "name": "ci", "start": "codex_", "referenceId": id, "prefix": "codex_", "refillInterval": nil, "refillAmount": nil, "lastRefillAt": nil,
		"enabled": true, "rateLimitEnabled": true, "rateLimitTimeWindow": 86400000.0, "rateLimitMax": 10.0, "requestCount": 0.0, "remaining": nil,
		"lastRequest": nil, "permissions": nil, "metadata": nil,
	} {
		if got, sent := r.body[name]; !sent || got != want {
			t.Errorf("%s = %v", name, got)
		}
	}
	r = b.get("/api-key/list")
	if keys, _ := r.body["apiKeys"].([]any); len(keys) != 1 || r.body["total"] != 1.0 || strings.Contains(r.text, key[6:]) {
		t.Errorf("list: %d %s", r.status, r.text)
	}
	if w.count(`SELECT count(*) FROM better_auth.api_keys WHERE key_hash = $1`, security.HashToken(key)) != 1 {
		t.Error("not kept as its hash")
	}
	if r := b.post("/api-key/update", members{"keyId": keyID, "name": "build", "expiresIn": nil}); r.str("name") != "build" || r.body["expiresAt"] != nil {
		t.Errorf("update: %d %s", r.status, r.text)
	}
	other, _ := w.person()
	for name, tc := range map[string]struct {
		r      reply
		status int
		code   string
	}{
		"nobody":             {w.browser().post("/api-key/create", members{}), 401, "UNAUTHORIZED_SESSION"},
		"permissions":        {b.post("/api-key/create", members{"permissions": members{"files": []string{"read"}}}), 400, "SERVER_ONLY_PROPERTY"},
		"remaining":          {b.post("/api-key/create", members{"remaining": 5}), 400, "SERVER_ONLY_PROPERTY"},
		"a long prefix":      {b.post("/api-key/create", members{"prefix": strings.Repeat("x", 33)}), 400, "INVALID_PREFIX_LENGTH"},
		"a strange prefix":   {b.post("/api-key/create", members{"prefix": "a b"}), 400, "VALIDATION_ERROR"},
		"a long name":        {b.post("/api-key/create", members{"name": strings.Repeat("x", 33)}), 400, "INVALID_NAME_LENGTH"},
		"a short life":       {b.post("/api-key/create", members{"expiresIn": 60}), 400, "EXPIRES_IN_IS_TOO_SMALL"},
		"a long life":        {b.post("/api-key/create", members{"expiresIn": 366 * 86400}), 400, "EXPIRES_IN_IS_TOO_LARGE"},
		"metadata":           {b.post("/api-key/create", members{"metadata": members{"a": 1}}), 400, "METADATA_DISABLED"},
		"nothing to change":  {b.post("/api-key/update", members{"keyId": keyID}), 400, "NO_VALUES_TO_UPDATE"},
		"read by another":    {other.get("/api-key/get?id=" + keyID), 404, "KEY_NOT_FOUND"},
		"ended by another":   {other.post("/api-key/delete", members{"keyId": keyID}), 404, "KEY_NOT_FOUND"},
		"changed by another": {other.post("/api-key/update", members{"keyId": keyID, "enabled": false}), 404, "KEY_NOT_FOUND"},
		"unknown":            {b.get("/api-key/get?id=nothing%00"), 404, "KEY_NOT_FOUND"},
	} {
		if tc.r.status != tc.status || tc.r.code() != tc.code {
			t.Errorf("%s: %d %s", name, tc.r.status, tc.r.text)
		}
	}
	if r := b.post("/api-key/delete", members{"keyId": keyID}); r.body["success"] != true {
		t.Errorf("%d %s", r.status, r.text)
	}
	for _, kind := range []string{"api_key_create", "api_key_update", "api_key_delete"} {
		if w.events(kind, id) != 1 {
			t.Errorf("%d events %s", w.events(kind, id), kind)
		}
	}
}

func TestAPIKey_metadataAndLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"API_KEY_METADATA": "on"}})
	b, _ := w.person()
	for _, body := range []string{`{"metadata":{"a":"x\u0000y"}}`, `{"metadata":{"a":1e999999}}`} {
		if r := b.send("POST", "/api-key/create", "application/json", body); r.status != http.StatusBadRequest || r.code() != "VALIDATION_ERROR" {
			t.Errorf("%s: %d %s", body, r.status, r.text)
		}
	}
	r := b.post("/api-key/create", members{"metadata": members{"a": []int{1}}})
	if meta, _ := r.body["metadata"].(map[string]any); r.status != http.StatusOK || meta["a"] == nil {
		t.Errorf("%d %s", r.status, r.text)
	}
	if r := b.send("POST", "/api-key/update", "application/json", `{"keyId":"`+r.str("id")+`","metadata":{"a":"\u0000"}}`); r.status != http.StatusBadRequest {
		t.Errorf("update: %d %s", r.status, r.text)
	}
	for query, want := range map[string]string{
		"?configId=other": `{"apiKeys":[],"total":0}`, "?configId=default&limit=5&offset=0": `"limit":5,"offset":0}`, "?offset=1": `{"apiKeys":[],"total":1,"offset":1}`,
	} {
		if r := b.get("/api-key/list" + query); r.status != http.StatusOK || !strings.HasSuffix(strings.TrimSpace(r.text), want) || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", query, r.status, r.text)
		}
	}
	if r := b.get("/api-key/list?organizationId=x"); r.status != http.StatusBadRequest {
		t.Errorf("%d %s", r.status, r.text)
	}
	if r := w.browser().get("/api-key/list"); r.status != http.StatusUnauthorized || r.code() != "UNAUTHORIZED" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("nobody: %d %s", r.status, r.text)
	}
}

func TestAPIKey_standsForASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"API_KEY_SESSIONS": "on", "API_KEY_LIMIT": "3/24h", "API_KEY_MIN_TTL": "1h"}})
	b, id := w.person()
	made := b.post("/api-key/create", members{"expiresIn": 3600})
	p := w.program(made.str("key"))
	if r := p.get("/get-session"); r.str("user", "id") != id || r.cookie(sessionCookie) != "" {
		t.Fatalf("%d %s", r.status, r.text)
	}
	for _, path := range []string{"/update-user", "/api-key/create"} {
		if r := p.post(path, members{"name": "x"}); r.status != http.StatusForbidden || r.code() != "NOT_ON_BEHALF_OF_ANOTHER" {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
	}
	r := p.get("/get-session")
	details, _ := r.body["details"].(members)
	if wait, _ := details["tryAgainIn"].(float64); r.status != 429 || r.code() != "RATE_LIMITED" || r.message() != "Rate limit exceeded." || wait < 1 || wait > 86400000 {
		t.Errorf("%d %s", r.status, r.text)
	}
	for name, tc := range map[string]struct {
		key    string
		status int
		code   string
	}{
		"short":   {"abc", 403, "INVALID_API_KEY"},
		"unknown": {strings.Repeat("x", 64), 401, "INVALID_API_KEY"},
		"long":    {strings.Repeat("x", 600), 401, "INVALID_API_KEY"},
	} {
		if r := w.program(tc.key).get("/get-session"); r.status != tc.status || r.code() != tc.code {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	b.post("/api-key/update", members{"keyId": made.str("id"), "enabled": false})
	if r := p.get("/get-session"); r.status != 401 || r.code() != "KEY_DISABLED" {
		t.Errorf("disabled: %d %s", r.status, r.text)
	}
	b.post("/api-key/update", members{"keyId": made.str("id"), "enabled": true})
	w.clock.Advance(time.Hour)
	if r := p.get("/get-session"); r.status != 401 || r.code() != "KEY_EXPIRED" {
		t.Errorf("expired: %d %s", r.status, r.text)
	}

	plain := newWorld(t, options{})
	owner, _ := plain.person()
	key := owner.post("/api-key/create", members{}).str("key")
	if r := plain.program(key).get("/get-session"); strings.TrimSpace(r.text) != "null" {
		t.Errorf("a key stands for a session though that is off: %s", r.text)
	}
}

// 20 parallel uses of a key with 5 left give 5.
func TestAPIKey_usesAreCountedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, id := w.person()
	s := w.asService()
	limits := func(m members) members {
		all := members{"rate_limit_enabled": false, "rate_limit_window_ms": 60000, "rate_limit_max": 5}
		for k, v := range m {
			all[k] = v
		}
		return members{"user_id": id, "permissions": members{"files": []string{"read", "write"}}, "limits": all}
	}
	uses := func(key string) (good int64) {
		var group sync.WaitGroup
		var n atomic.Int64
		for range 20 {
			group.Go(func() {
				if r, err := s.try(http.MethodPost, "/internal/v1/api-keys/verify", "application/json", `{"key":"`+key+`"}`); err == nil && r.body["valid"] == true {
					n.Add(1)
				}
			})
		}
		group.Wait()
		return n.Load()
	}
	counted := s.post("/internal/v1/api-keys", limits(members{"rate_limit_enabled": true}))
	if counted.status != http.StatusOK {
		t.Fatalf("%d %s", counted.status, counted.text)
	}
	if got := uses(counted.str("key")); got != 5 {
		t.Errorf("%d uses of 5 in a window", got)
	}
	w.clock.Advance(time.Minute)
	if got := uses(counted.str("key")); got != 5 {
		t.Errorf("%d uses of 5 in the next window", got)
	}
	spent := s.post("/internal/v1/api-keys", limits(members{"remaining": 5})).str("key")
	if got := uses(spent); got != 5 {
		t.Errorf("%d of 5 uses that were left", got)
	}
	w.clock.Advance(48 * time.Hour)
	if r := s.post("/internal/v1/api-keys/verify", members{"key": spent}); r.str("error", "code") != "USAGE_EXCEEDED" {
		t.Errorf("%d %s", r.status, r.text)
	}
	filled := s.post("/internal/v1/api-keys", limits(members{"remaining": 1, "refill_interval_ms": 3600000, "refill_amount": 3})).str("key")
	if got := uses(filled); got != 1 {
		t.Errorf("%d uses before it is filled", got)
	}
	w.clock.Advance(time.Hour)
	if got := uses(filled); got != 3 {
		t.Errorf("%d uses after it was filled", got)
	}
}

func TestAPIKey_isVerifiedForServices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, id := w.person()
	s := w.asService()
	made := s.post("/internal/v1/api-keys", members{"user_id": id, "name": "x", "permissions": members{"files": []string{"read", "write"}, "bills": []string{"read"}}})
	for name, tc := range map[string]struct {
		asked members
		code  string
	}{
		"nothing":                {nil, ""},
		"one":                    {members{"files": []string{"write"}}, ""},
		"two":                    {members{"files": []string{"write"}, "bills": []string{"read"}}, ""},
		"one it has not":         {members{"files": []string{"delete"}}, "KEY_LACKS_PERMISSION"},
		"of another resource":    {members{"people": []string{"read"}}, "KEY_LACKS_PERMISSION"},
		"one it has and has not": {members{"files": []string{"read", "delete"}}, "KEY_LACKS_PERMISSION"},
	} {
		body := members{"key": made.str("key")}
		if tc.asked != nil {
			body["permissions"] = tc.asked
		}
		r := s.post("/internal/v1/api-keys/verify", body)
		if r.status != http.StatusOK || r.body["valid"] != (tc.code == "") || r.str("error", "code") != tc.code || (tc.code == "") != (r.str("key", "referenceId") == id) {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	own := b.post("/api-key/create", members{}).str("key")
	if r := s.post("/internal/v1/api-keys/verify", members{"key": own, "permissions": members{"files": []string{"read"}}}); r.body["valid"] != false {
		t.Errorf("a key without permissions: %s", r.text)
	}
	if r := w.stranger().post("/internal/v1/api-keys/verify", members{"key": own}); r.status != http.StatusUnauthorized {
		t.Errorf("without the service token: %d %s", r.status, r.text)
	}
	for at, body := range map[string]members{
		"user_id": {"user_id": 7}, "name": {"user_id": id, "name": 5}, "expires_in": {"user_id": id, "expires_in": 0}, "limits.remaining": {"user_id": id, "limits": members{"remaining": "x"}},
	} {
		if r := s.post("/internal/v1/api-keys", body); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.message(), "[body."+at+"] ") {
			t.Errorf("%v: %d %s", body, r.status, r.text)
		}
	}
	if r := s.post("/internal/v1/api-keys", members{}); !strings.Contains(r.message(), "[body] ") || !strings.Contains(r.message(), "user_id") {
		t.Errorf("nothing: %d %s", r.status, r.text)
	}
	if r := s.send(http.MethodPatch, "/internal/v1/api-keys/x", "application/json", `{"enabled":"yes"}`); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.message(), "[body.enabled] ") {
		t.Errorf("a change: %d %s", r.status, r.text)
	}
	if r := s.post("/internal/v1/api-keys", members{"user_id": "nobody"}); r.status != http.StatusNotFound {
		t.Errorf("for nobody: %d %s", r.status, r.text)
	}
}

// SES-05: a key that is switched off, deleted, or whose owner is banned, is refused by
// the gateways at once: its token names the session that the feed ends.
func TestAPIKey_isExchangedForTheGateway(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	w := newWorld(t, options{redis: rdb, env: map[string]string{"API_KEY_LIMIT": "4/24h"}})
	b, id := w.person()
	s := w.asService()
	exchange := func(key string) reply { return s.post("/internal/v1/api-keys/exchange", members{"key": key}) }
	made := b.post("/api-key/create", members{})
	key, keyID := made.str("key"), made.str("id")

	r := exchange(key)
	claims := claimsOf(t, r.str("jwt"))
	if r.status != http.StatusOK || r.str("user_id") != id || r.str("key_id") != keyID || claims["sid"] != "key_"+keyID || claims["sub"] != id ||
		claims["exp"].(float64)-claims["iat"].(float64) > 60 {
		t.Fatalf("%d %s %v", r.status, r.text, claims)
	}
	told := func() bool {
		all, err := rdb.XRange(t.Context(), "codex:revocations", "-", "+").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if e.Values["sid"] == "key_"+keyID {
				return true
			}
		}
		return false
	}
	if told() {
		t.Error("revoked already")
	}
	b.post("/api-key/update", members{"keyId": keyID, "enabled": false})
	if r := exchange(key); !told() || r.status != http.StatusUnauthorized || r.code() != "INVALID_API_KEY" {
		t.Errorf("switched off: %d %s", r.status, r.text)
	}
	b.post("/api-key/update", members{"keyId": keyID, "enabled": true})
	for range 3 {
		if r := exchange(key); r.status != http.StatusOK {
			t.Errorf("switched on: %d %s", r.status, r.text)
		}
	}
	if r := exchange(key); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
		t.Errorf("spent: %d %s", r.status, r.text)
	}
	w.exec(`UPDATE better_auth.users SET banned = true WHERE id = $1`, id)
	w.clock.Advance(24 * time.Hour)
	if r := exchange(key); r.status != http.StatusUnauthorized || r.code() != "INVALID_API_KEY" {
		t.Errorf("of a banned person: %d %s", r.status, r.text)
	}
	if r := exchange("unknown"); r.status != http.StatusUnauthorized || r.code() != "INVALID_API_KEY" {
		t.Errorf("unknown: %d %s", r.status, r.text)
	}
	if r := w.stranger().post("/internal/v1/api-keys/exchange", members{"key": key}); r.status != http.StatusUnauthorized || r.code() == "INVALID_API_KEY" {
		t.Errorf("without the service token: %d %s", r.status, r.text)
	}
}
