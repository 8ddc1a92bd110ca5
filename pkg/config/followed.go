package config

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"time"
)

// FollowedSecrets are Secrets that may change while the process runs, where they
// come from a file.
type FollowedSecrets struct {
	Secrets // as they were at the start

	path        string
	least       int
	development bool
}

var followedType = reflect.TypeFor[FollowedSecrets]()

// Follow gives the secrets as they are at each call. A file that cannot be used
// changes nothing but the log: the secrets in use may still be good.
func (s FollowedSecrets) Follow(log *slog.Logger) func() []string {
	if s.path == "" {
		return s.Reveal
	}
	f := &follower{FollowedSecrets: s, log: log}
	f.seen, _ = stampOf(s.path)
	return f.current
}

type follower struct {
	FollowedSecrets
	log  *slog.Logger
	mu   sync.Mutex
	seen stamp
}

// stamp changes with the file.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(path string) (stamp, error) {
	about, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{about.ModTime(), about.Size()}, nil
}

func (f *follower) current() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := stampOf(f.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || now == f.seen {
		return f.Reveal()
	}
	f.seen = now
	if problem := f.read(); problem != "" {
		f.log.ErrorContext(context.Background(), "the new secrets cannot be used: the old ones stay", "reason", problem)
	} else {
		f.log.InfoContext(context.Background(), "secrets were read anew")
	}
	return f.Reveal()
}

func (f *follower) read() (problem string) {
	text, problem := readSecret(f.path)
	if problem != "" {
		return problem
	}
	var next Secrets
	if err := next.UnmarshalText([]byte(text)); err != nil {
		return err.Error()
	}
	if problem := weakness(next, f.least, f.development); problem != "" {
		return problem
	}
	f.Secrets = next
	return ""
}
