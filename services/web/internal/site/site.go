// Package site serves the built web app: pages, the shell for every other address,
// and the files that both need. It reads everything at start, so that an answer
// costs a look into a map, and knows nothing of users.
package site

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/codex-platform/codex/pkg/problem"
)

// The file that the app is started from where no page was rendered beforehand, and
// the one that tells whether there is an app at all.
const (
	shellFile = "200.html"
	indexFile = "index.html"
)

// ErrNotBuilt says that the folder holds no app.
var ErrNotBuilt = problem.New(http.StatusServiceUnavailable, "APP_NOT_BUILT", "The web app is not built: run make web")

// languages are those in which pages are rendered; the first stands without a
// folder of its own.
var languages = []string{"en", "de"}

// Site is one build of the app. It is not changed after Load.
type Site struct {
	assets map[string]*file            // by address: "/_app/immutable/…"
	pages  map[string]map[string]*file // by address, then by language
	shell  *file
}

// Load reads a build. It is ErrNotBuilt when there is none.
func Load(from fs.FS) (*Site, error) {
	s := &Site{assets: map[string]*file{}, pages: map[string]map[string]*file{}}
	err := fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || hidden(name) {
			return err
		}
		return s.take(from, name)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the web app: %w", err)
	case s.shell == nil || s.pages["/"] == nil:
		return nil, ErrNotBuilt
	}
	return s, nil
}

// hidden files are not the app's; compressed ones belong to the file they are made from.
func hidden(name string) bool {
	ending := path.Ext(name)
	return strings.HasPrefix(path.Base(name), ".") || ending == ".br" || ending == ".gz"
}

func (s *Site) take(from fs.FS, name string) error {
	f, err := read(from, name)
	if err != nil {
		return err
	}
	switch {
	case name == shellFile:
		s.shell = f
	case path.Ext(name) == ".html":
		address, language := page(name)
		if s.pages[address] == nil {
			s.pages[address] = map[string]*file{}
		}
		f.language = language
		s.pages[address][language] = f
	default:
		s.assets["/"+name] = f
	}
	return nil
}

// page gives the address and the language of a rendered page's file:
// "sign-in.html", "de/sign-in.html", "index.html", "de.html".
func page(name string) (address, language string) {
	stem := strings.TrimSuffix(name, ".html")
	for _, language := range languages[1:] {
		if rest, found := strings.CutPrefix(stem+"/", language+"/"); found {
			return "/" + strings.TrimSuffix(strings.TrimSuffix(rest, "/"), "index"), language
		}
	}
	if name == indexFile {
		stem = ""
	}
	return "/" + stem, languages[0]
}
