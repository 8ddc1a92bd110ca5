// Package openapi owns the descriptions of the public API: each service's own, as
// its running version serves it, and one joined from all.
package openapi

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/docs"
)

const (
	keep         = 30 * time.Second // how long a description is not asked for again
	fetchTimeout = 2 * time.Second
	maxDocument  = 4 << 20
)

// ErrUnknown refuses the description of a service that has none.
var ErrUnknown = problem.New(http.StatusNotFound, "NO_SUCH_DESCRIPTION", "There is no description of this name")

// Source is a service that describes itself at URL + "/openapi.json".
type Source struct{ Name, URL string }

// MediaType is that of a description.
const MediaType = "application/openapi+json"

// Library keeps the descriptions. A service that is away is described by what it
// said last.
type Library struct {
	public string // the server's address
	client *http.Client
	now    func() time.Time
	shelf  map[string]*volume
	order  []string

	mu   sync.Mutex
	made map[string]made // by the names of the services that are in it
}

// Frame is what the gateway adds to what the services say.
type Frame struct {
	Schemes map[string]map[string]any // securitySchemes that Rules name
	Rules   Rules                     // nil: none
}

// made is a description as it was made of certain texts.
type made struct {
	of   string
	page *docs.Page
}

type volume struct {
	source Source

	mu      sync.Mutex
	text    []byte
	etag    string
	fetched time.Time
	failed  time.Time
}

// NewLibrary describes the API at the public address.
func NewLibrary(public string, client *http.Client, now func() time.Time, sources ...Source) *Library {
	l := &Library{public: public, client: client, now: now, shelf: map[string]*volume{}, made: map[string]made{}}
	for _, s := range sources {
		l.shelf[s.Name] = &volume{source: s}
		l.order = append(l.order, s.Name)
	}
	return l
}

// Names lists the services that are described.
func (l *Library) Names() []string { return l.order }

// Service returns one service's description. The frame is the same for all calls,
// and only asked for when a description is made.
func (l *Library) Service(ctx context.Context, name string, frame func() Frame) (*docs.Page, error) {
	if l.shelf[name] == nil {
		return nil, ErrUnknown
	}
	return l.describe(ctx, name, []string{name}, frame)
}

// copied is a service's description at hand.
type copied struct {
	text  []byte
	etag  string
	stale bool // the service is away, and said this earlier
}

// read asks the service when the copy is old; one at a time, the others wait for
// the same answer.
func (l *Library) read(ctx context.Context, v *volume) (copied, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := l.now()
	if v.text != nil && now.Sub(v.fetched) < keep {
		return copied{v.text, v.etag, false}, nil
	}
	if now.Sub(v.failed) < time.Second {
		return v.old(problem.Unavailable)
	}
	text, err := l.fetch(ctx, v.source)
	if err != nil {
		v.failed = now
		return v.old(errors.Join(problem.Unavailable, err))
	}
	sum := sha256.Sum256(text)
	v.text, v.fetched, v.etag = text, now, string(sum[:])
	return copied{text, v.etag, false}, nil
}

func (v *volume) old(err error) (copied, error) {
	if v.text != nil {
		return copied{v.text, v.etag, true}, nil
	}
	return copied{}, err
}

func (l *Library) fetch(ctx context.Context, s Source) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/openapi.json", nil)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", s.Name, err)
	}
	res, err := l.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", s.Name, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("describe %s: status %d", s.Name, res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxDocument))
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", s.Name, err)
	}
	var shape struct {
		Paths map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &shape); err != nil {
		return nil, fmt.Errorf("describe %s: no description: %w", s.Name, err)
	}
	return text, nil
}

// Joined returns one description of everything. Services that were never reached
// are left out and named under x-missing, those that are away now under x-stale;
// the error is that of the last one when none was ever reached.
func (l *Library) Joined(ctx context.Context, frame func() Frame) (*docs.Page, error) {
	return l.describe(ctx, "", l.order, frame)
}

// describe makes a description of these services, or takes the one made before.
func (l *Library) describe(ctx context.Context, key string, names []string, frame func() Frame) (*docs.Page, error) {
	got, err := l.gather(ctx, names)
	if len(got.documents) == 0 {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.made[key]; m.of == got.of {
		return m.page, nil
	}
	documents, err := got.parse()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(frame().join(l.public, documents, got.missing, got.stale))
	if err != nil {
		return nil, fmt.Errorf("join descriptions: %w", err)
	}
	page := docs.NewPage(MediaType, text)
	l.made[key] = made{got.of, page}
	return page, nil
}

// gathered are the texts of several services, and of names their state.
type gathered struct {
	documents      map[string][]byte
	order          []string
	missing, stale []string
	of             string
}

func (l *Library) gather(ctx context.Context, names []string) (gathered, error) {
	g := gathered{documents: map[string][]byte{}}
	var lastErr error
	for _, name := range names {
		c, err := l.read(ctx, l.shelf[name])
		g.of += name + ":" + c.etag + strconv.FormatBool(c.stale) + " "
		switch {
		case err != nil:
			lastErr, g.missing = err, append(g.missing, name)
			continue
		case c.stale:
			g.stale = append(g.stale, name)
		}
		g.documents[name], g.order = c.text, append(g.order, name)
	}
	return g, lastErr
}

func (g gathered) parse() ([]named, error) {
	var out []named
	for _, name := range g.order {
		document := map[string]any{}
		if err := json.Unmarshal(g.documents[name], &document); err != nil {
			return nil, errors.Join(problem.Unavailable, fmt.Errorf("describe %s: %w", name, err))
		}
		out = append(out, named{name, document})
	}
	return out, nil
}

// Codes lists the error codes that the services say they answer with, and the
// services that have not said so yet.
func (l *Library) Codes(ctx context.Context) (codes []docs.Code, missing []string) {
	got, _ := l.gather(ctx, l.order) // who is away is named
	for _, name := range got.order {
		var said struct {
			Problems []docs.Code `json:"x-problems"`
		}
		if err := json.Unmarshal(got.documents[name], &said); err != nil {
			got.missing = append(got.missing, name)
			continue
		}
		for _, c := range said.Problems {
			c.Services = []string{name}
			codes = append(codes, c)
		}
	}
	return codes, got.missing
}
