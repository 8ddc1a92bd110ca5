package site

import (
	"fmt"
	"io/fs"
	"net/http"
	"sync"
	"time"
)

// Live serves what a folder holds now. A build that is made anew while the program
// runs is taken up with the next request; the files inside a program never change.
type Live struct {
	from fs.FS

	mu   sync.Mutex
	site *Site
	seen time.Time // when the index of the site was written
}

// NewLive serves a folder; nothing is read yet.
func NewLive(from fs.FS) *Live { return &Live{from: from} }

// Answer serves one request; ErrNotBuilt when there is nothing to serve.
func (l *Live) Answer(w http.ResponseWriter, r *http.Request) error {
	site, err := l.current()
	if err != nil {
		return err
	}
	return site.Answer(w, r)
}

// Check tells whether there is an app to serve.
func (l *Live) Check() error {
	_, err := l.current()
	return err
}

// current gives the site, read again if its index was written since. While a build
// is not whole, the one before it goes on being served.
func (l *Live) current() (*Site, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	index, err := fs.Stat(l.from, indexFile)
	switch {
	case err != nil && l.site == nil:
		return nil, fmt.Errorf("%w (%w)", ErrNotBuilt, err)
	case err != nil, l.site != nil && l.seen.Equal(index.ModTime()):
		return l.site, nil
	}
	site, err := Load(l.from)
	if err != nil && l.site == nil {
		return nil, err
	}
	if err == nil {
		l.site, l.seen = site, index.ModTime()
	}
	return l.site, nil
}
