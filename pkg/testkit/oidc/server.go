package oidc

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Person is whom the provider signs in.
type Person struct {
	Subject  string
	Email    string
	Verified bool
	Name     string
	Picture  string
}

// Options say whom the provider serves. The zero value of a field means the
// default named beside it.
type Options struct {
	ClientID string           // codex
	Secret   string           // one of 32 characters
	Now      func() time.Time // time.Now
	TTL      time.Duration    // of access and ID tokens: an hour
	RSA      bool             // sign with RS256 in the place of ES256
	Extra    map[string]any   // more claims of every ID token
	Ask      bool             // a page asks who signs in, for people who try things out
}

// Faults are ways of being wrong. The zero value is a good provider.
type Faults struct {
	BadSignature  bool // a byte of the signature is another
	ForeignKey    bool // signed by a key that is not in the set, under its name
	Unsigned      bool // alg none
	SharedSecret  bool // HS256, with the client secret as key
	WrongIssuer   bool
	WrongAudience bool
	OtherParty    bool // azp is another client
	WrongNonce    bool
	NoNonce       bool
	Expired       bool
	Ahead         bool // issued a day from now
	NoSubject     bool
	NoIDToken     bool
	Thin          bool // the ID token holds a subject only, the rest is user info
	OtherUserInfo bool // user info is somebody else's
	NullUserInfo  bool // user info is null
	AnswerIssuer  string
	RefuseRefresh bool

	// Paths, such as "/token", whose answer never comes, never ends, leads to
	// another address that gives the right one, or is a status.
	Hang     string
	Endless  string
	Redirect string
	Down     string
}

// Server is a running provider.
type Server struct {
	Options
	// URL is its issuer.
	URL string

	mu      sync.Mutex
	person  Person
	faults  Faults
	key     key
	codes   map[string]grant
	access  map[string]Person
	refresh map[string]grant
	calls   map[string]int
	closed  chan struct{}
}

// Start runs a provider that ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := New(o)
	front := httptest.NewServer(s)
	s.URL = front.URL
	t.Cleanup(func() {
		close(s.closed)
		front.Close()
	})
	return s
}

// New makes a provider whose URL is not known yet.
func New(o Options) *Server {
	if o.ClientID == "" {
		o.ClientID = "codex"
	}
	if o.Secret == "" {
		o.Secret = "0123456789abcdef0123456789abcdef"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TTL == 0 {
		o.TTL = time.Hour
	}
	return &Server{
		Options: o, key: newKey(o.RSA), codes: map[string]grant{}, access: map[string]Person{}, refresh: map[string]grant{},
		calls: map[string]int{}, closed: make(chan struct{}),
		person: Person{Subject: "sub-1", Email: "ada@example.test", Verified: true, Name: "Ada Lovelace"},
	}
}

// Be says who is signed in at the provider from now on.
func (s *Server) Be(p Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.person = p
}

// Break makes the provider wrong, or with the zero value good again.
func (s *Server) Break(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Rotate gives the provider a new key under the old one's name.
func (s *Server) Rotate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = newKey(s.RSA)
}

// Calls tells how often a path was asked for.
func (s *Server) Calls(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[path]
}

// ServeHTTP is the provider.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	s.mu.Lock()
	s.calls[path]++
	f := s.faults
	s.mu.Unlock()
	switch path {
	case f.Hang:
		select {
		case <-r.Context().Done():
		case <-s.closed:
		}
	case f.Endless:
		s.flood(w, r)
	case f.Redirect:
		http.Redirect(w, r, "/elsewhere"+path, http.StatusTemporaryRedirect)
	case f.Down:
		http.Error(w, "down", http.StatusServiceUnavailable)
	default:
		s.serve(w, r, f)
	}
}

// flood begins a JSON text and never ends it.
func (s *Server) flood(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write([]byte(`{"issuer":"`))
	for blanks := make([]byte, 64<<10); err == nil && r.Context().Err() == nil; {
		for i := range blanks {
			blanks[i] = 'x'
		}
		_, err = w.Write(blanks)
	}
}
