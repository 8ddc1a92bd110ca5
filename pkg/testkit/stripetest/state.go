package stripetest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// keptEvents bounds how many events the state's file holds.
const keptEvents = 2000

// state is all that the stand-in knows. Members whose names begin with _ are for
// itself and never shown.
type state struct {
	Objects map[string]object `json:"objects"`
	Order   []string          `json:"order"` // ids, oldest first
	Answers map[string]answer `json:"answers"`
	Base    string            `json:"base"` // where the pages were last seen
}

// answer is what an idempotent request got; the same key gets it again.
type answer struct {
	Request string          `json:"request"` // what was asked, to catch a key used twice
	Status  int             `json:"status"`
	Body    json.RawMessage `json:"body"`
	At      int64           `json:"at"`
}

// put keeps a new object and tells the world by an event, unless kind is empty.
func (s *Server) put(o object, kind string) object {
	id := o.str("id")
	s.state.Objects[id] = o
	s.state.Order = append(s.state.Order, id)
	if kind != "" {
		s.emit(kind, o, nil)
	}
	return o
}

// change edits an object and tells what it was before. No difference, no event.
func (s *Server) change(id, kind string, edit func(object)) object {
	o := s.state.Objects[id]
	old := clone(o)
	edit(o)
	diff := previous(shown(old), shown(o))
	if len(diff) > 0 && kind != "" {
		s.emit(kind, o, diff)
	}
	return o
}

// find gives an object of this kind.
func (s *Server) find(kind, id string) (object, error) {
	o, ok := s.state.Objects[id]
	if !ok || o.str("object") != kind {
		return nil, missing(kind, id)
	}
	return o, nil
}

// all lists the objects of a kind that pass, newest first.
func (s *Server) all(kind string, pass func(object) bool) []object {
	var out []object
	for _, id := range slices.Backward(s.state.Order) {
		if o := s.state.Objects[id]; o.str("object") == kind && (pass == nil || pass(o)) {
			out = append(out, o)
		}
	}
	return out
}

const idLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newID makes an id as Stripe's look: a prefix and letters.
func newID(prefix string) string {
	random := make([]byte, 24)
	_, _ = rand.Read(random) // never fails: see crypto/rand
	for i, b := range random {
		random[i] = idLetters[int(b)%len(idLetters)]
	}
	return prefix + string(random)
}

// shown is an object without what the stand-in keeps for itself.
func shown(o object) object {
	out := clone(o)
	for k := range out {
		if strings.HasPrefix(k, "_") {
			delete(out, k)
		}
	}
	return out
}

func (s *Server) load() error {
	s.state = state{Objects: map[string]object{}, Answers: map[string]answer{}}
	if s.options.StateFile == "" {
		return nil
	}
	raw, err := os.ReadFile(s.options.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the stand-in's state: %w", err)
	}
	numbers := json.NewDecoder(bytes.NewReader(raw))
	numbers.UseNumber()
	if err := numbers.Decode(&s.state); err != nil {
		return fmt.Errorf("read the stand-in's state: %w", err)
	}
	return nil
}

// save writes the state beside its file and renames it: a killed process leaves
// the old state or the new one.
func (s *Server) save() error {
	if s.options.StateFile == "" {
		return nil
	}
	s.forget()
	raw, err := json.Marshal(s.state)
	if err != nil {
		return fmt.Errorf("save the stand-in's state: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(s.options.StateFile), 0o700); err != nil {
		return fmt.Errorf("save the stand-in's state: %w", err)
	}
	next := s.options.StateFile + ".new"
	if err := os.WriteFile(next, raw, 0o600); err != nil {
		return fmt.Errorf("save the stand-in's state: %w", err)
	}
	if err := os.Rename(next, s.options.StateFile); err != nil {
		return fmt.Errorf("save the stand-in's state: %w", err)
	}
	return nil
}

// forget drops the oldest events and answers of more than a day ago.
func (s *Server) forget() {
	events := s.all("event", nil)
	for _, old := range events[min(keptEvents, len(events)):] {
		delete(s.state.Objects, old.str("id"))
	}
	s.state.Order = slices.DeleteFunc(s.state.Order, func(id string) bool { return s.state.Objects[id] == nil })
	for key, a := range s.state.Answers {
		if s.now()-a.At > 24*60*60 {
			delete(s.state.Answers, key)
		}
	}
}
