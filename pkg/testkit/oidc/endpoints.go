package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/codex-platform/codex/pkg/security"
)

// grant is what a code or a refresh token stands for.
type grant struct {
	person    Person
	nonce     string
	challenge string
	redirect  string
	scope     string
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, f Faults) {
	switch strings.TrimPrefix(r.URL.Path, "/elsewhere") {
	case "/.well-known/openid-configuration":
		s.discovery(w)
	case "/keys":
		s.mu.Lock()
		defer s.mu.Unlock()
		answer(w, http.StatusOK, s.key.public())
	case "/authorize":
		s.authorize(w, r, f)
	case "/token":
		s.token(w, r, f)
	case "/userinfo":
		s.userInfo(w, r, f)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) discovery(w http.ResponseWriter) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token",
		"userinfo_endpoint": s.URL + "/userinfo", "jwks_uri": s.URL + "/keys", "end_session_endpoint": s.URL + "/logout",
		"id_token_signing_alg_values_supported":          []string{algorithm(s.RSA).String(), "HS256", "none"},
		"authorization_response_iss_parameter_supported": true,
	})
}

// posted is how an answer comes back that the client wants as a form.
var posted = template.Must(template.New("posted").Parse(`<!doctype html><title>Back</title>
<form method="post" action="{{.To}}">{{range $name, $value := .Members}}<input type="hidden" name="{{$name}}" value="{{index $value 0}}">{{end}}
<button>Go on</button></form>`))

// authorize signs in the person at once, or the one who is written on the page,
// and leads back.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, f Faults) {
	q := r.URL.Query()
	if q.Get("client_id") != s.ClientID || q.Get("response_type") != "code" || q.Get("redirect_uri") == "" || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "not a question for this provider", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	person := s.person
	s.mu.Unlock()
	if s.Ask {
		var chosen bool
		if person, chosen = s.choose(w, r); !chosen {
			return
		}
	}
	code := security.Token(24)
	s.mu.Lock()
	s.codes[code] = grant{person, q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri"), q.Get("scope")}
	s.mu.Unlock()
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {s.URL}}
	if f.AnswerIssuer != "" {
		back.Set("iss", f.AnswerIssuer)
	}
	if q.Get("response_mode") == "form_post" {
		_ = posted.Execute(w, map[string]any{"To": q.Get("redirect_uri"), "Members": back})
		return
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (s *Server) token(w http.ResponseWriter, r *http.Request, f Faults) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		refuse(w, "invalid_request")
		return
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if id != s.ClientID || secret != s.Secret {
		refuse(w, "invalid_client")
		return
	}
	g, ok := s.redeem(r.PostForm, f)
	if !ok {
		refuse(w, "invalid_grant")
		return
	}
	s.give(w, g, f)
}

// redeem spends a code or a refresh token.
func (s *Server) redeem(form url.Values, f Faults) (grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch form.Get("grant_type") {
	case "authorization_code":
		g, ok := s.codes[form.Get("code")]
		delete(s.codes, form.Get("code"))
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		return g, ok && form.Get("redirect_uri") == g.redirect && base64.RawURLEncoding.EncodeToString(sum[:]) == g.challenge
	case "refresh_token":
		g, ok := s.refresh[form.Get("refresh_token")]
		delete(s.refresh, form.Get("refresh_token"))
		return g, ok && !f.RefuseRefresh
	}
	return grant{}, false
}

// give makes tokens for a grant.
func (s *Server) give(w http.ResponseWriter, g grant, f Faults) {
	access, refresh := security.Token(32), security.Token(32)
	body := map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(s.TTL.Seconds()), "refresh_token": refresh, "scope": g.scope,
	}
	if !f.NoIDToken {
		body["id_token"] = s.idToken(g.person, g.nonce, f)
	}
	s.mu.Lock()
	s.access[access], s.refresh[refresh] = g.person, g
	s.mu.Unlock()
	answer(w, http.StatusOK, body)
}

func (s *Server) userInfo(w http.ResponseWriter, r *http.Request, f Faults) {
	token, _ := security.BearerToken(r.Header.Get("Authorization"))
	s.mu.Lock()
	p, ok := s.access[token]
	s.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if f.NullUserInfo {
		answer(w, http.StatusOK, nil)
		return
	}
	if f.OtherUserInfo {
		p.Subject += "-other"
	}
	claims := claimsOf(p)
	claims["sub"] = p.Subject
	answer(w, http.StatusOK, claims)
}

func claimsOf(p Person) map[string]any {
	claims := map[string]any{"email_verified": p.Verified}
	for name, value := range map[string]string{"email": p.Email, "name": p.Name, "picture": p.Picture} {
		if value != "" {
			claims[name] = value
		}
	}
	return claims
}

func refuse(w http.ResponseWriter, code string) {
	answer(w, http.StatusBadRequest, map[string]any{"error": code})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
