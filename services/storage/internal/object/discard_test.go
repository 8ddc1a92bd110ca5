package object_test

import (
	"context"
	"errors"
	"regexp"
	"testing"

	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/services/storage/internal/object"
)

func TestNewKey(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^b/([0-9a-f]{2})/([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$`)
	seen := map[string]bool{}
	for range 1000 {
		key := object.NewKey()
		m := form.FindStringSubmatch(key)
		if m == nil || m[1] != m[2][:2] || seen[key] {
			t.Fatalf("key %q", key)
		}
		seen[key] = true
	}
}

type bucket struct{ discarded []string }

func (b *bucket) Discard(_ context.Context, key string) error {
	b.discarded = append(b.discarded, key)
	return nil
}

type holder struct {
	held bool
	err  error
}

func (h holder) Holds(context.Context, string) (bool, error) { return h.held, h.err }

func TestDiscarder_neverRemovesTheBytesOfAFile(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	for name, tc := range map[string]struct {
		files   holder
		removed int
		err     error
	}{
		"nobody refers to it": {holder{}, 1, nil},
		"a file does":         {holder{held: true}, 0, nil},
		"nobody can tell":     {holder{err: away}, 0, away},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bucket{}
			d := &object.Discarder{Bucket: b, Files: tc.files}
			err := d.Work(t.Context(), &river.Job[object.DiscardArgs]{Args: object.DiscardArgs{Key: "b/00/x"}})
			if !errors.Is(err, tc.err) || len(b.discarded) != tc.removed {
				t.Errorf("Work = %v, removed %v", err, b.discarded)
			}
		})
	}
}
