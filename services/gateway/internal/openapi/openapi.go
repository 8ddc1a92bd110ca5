// Package openapi owns the descriptions of the public API: each service's own, as
// its running version serves it, and one joined from all.
package openapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
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

// Library keeps the descriptions. A service that is away is described by what it
// said last.
type Library struct {
	public string // the server's address in the joined description
	client *http.Client
	now    func() time.Time
	shelf  map[string]*volume
	order  []string
}

type volume struct {
	source Source

	mu      sync.Mutex
	text    []byte
	fetched time.Time
	failed  time.Time
}

// NewLibrary describes the API at the public address.
func NewLibrary(public string, client *http.Client, now func() time.Time, sources ...Source) *Library {
	l := &Library{public: public, client: client, now: now, shelf: map[string]*volume{}}
	for _, s := range sources {
		l.shelf[s.Name] = &volume{source: s}
		l.order = append(l.order, s.Name)
	}
	return l
}

// Names lists the services that are described.
func (l *Library) Names() []string { return l.order }

// Service returns one service's description.
func (l *Library) Service(ctx context.Context, name string) ([]byte, error) {
	v := l.shelf[name]
	if v == nil {
		return nil, ErrUnknown
	}
	return l.read(ctx, v)
}

// read asks the service when the copy is old; one at a time, the others wait for
// the same answer.
func (l *Library) read(ctx context.Context, v *volume) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := l.now()
	if v.text != nil && now.Sub(v.fetched) < keep {
		return v.text, nil
	}
	if now.Sub(v.failed) < time.Second {
		return v.old(problem.Unavailable)
	}
	text, err := l.fetch(ctx, v.source)
	if err != nil {
		v.failed = now
		return v.old(errors.Join(problem.Unavailable, err))
	}
	v.text, v.fetched = text, now
	return text, nil
}

func (v *volume) old(err error) ([]byte, error) {
	if v.text != nil {
		return v.text, nil
	}
	return nil, err
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
	if !json.Valid(text) {
		return nil, fmt.Errorf("describe %s: not JSON", s.Name)
	}
	return text, nil
}

// Joined returns one description of everything. Services that were never reached
// are left out; the error is that of the last one when all were.
func (l *Library) Joined(ctx context.Context) ([]byte, error) {
	var documents []named
	var lastErr error
	for _, name := range l.order {
		text, err := l.read(ctx, l.shelf[name])
		if err != nil {
			lastErr = err
			continue
		}
		document := map[string]any{}
		if err := json.Unmarshal(text, &document); err != nil {
			lastErr = errors.Join(problem.Unavailable, fmt.Errorf("describe %s: %w", name, err))
			continue
		}
		documents = append(documents, named{name, document})
	}
	if len(documents) == 0 {
		return nil, lastErr
	}
	text, err := json.Marshal(join(l.public, documents))
	if err != nil {
		return nil, fmt.Errorf("join descriptions: %w", err)
	}
	return text, nil
}
