package site

import (
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/codex-platform/codex/pkg/problem"
)

// notOurs are the addresses of services: what they do not know is not a page.
var notOurs = []string{"/api", "/webhooks", "/.well-known", "/internal", "/_app"}

// Answer serves one request: a file, a rendered page in the reader's language, or
// the shell to somebody who navigates anywhere else. Everything else is not found:
// a script that asks for a missing file must not get a page.
func (s *Site) Answer(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return problem.MethodNotAllowed
	}
	address := r.URL.Path
	if f := s.assets[address]; f != nil {
		send(w, r, f, "Accept-Encoding")
		return nil
	}
	if renderings := s.pages[address]; renderings != nil {
		send(w, r, choose(renderings, r.Header), "Accept-Encoding, Accept-Language")
		return nil
	}
	if !navigates(r) || reserved(address) {
		w.Header().Set("Cache-Control", "no-store")
		return problem.NotFound
	}
	if plain := strings.TrimRight(address, "/"); plain != address && s.pages[path.Clean(address)] != nil {
		w.Header().Set("Cache-Control", cacheChecked)
		http.Redirect(w, r, path.Clean(address)+query(r), http.StatusPermanentRedirect)
		return nil
	}
	send(w, r, s.shell, "Accept, Accept-Encoding, Sec-Fetch-Mode")
	return nil
}

// navigates tells whether somebody opens an address, rather than a page asking for
// a part. Browsers say so; of others, one that reads HTML is taken for a person.
func navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func reserved(address string) bool {
	for _, root := range notOurs {
		if address == root || strings.HasPrefix(address, root+"/") {
			return true
		}
	}
	return false
}

func query(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return ""
	}
	return "?" + r.URL.RawQuery
}

// send writes a file in the form that suits the client best. vary names the
// request's headers on which the choice depended.
func send(w http.ResponseWriter, r *http.Request, f *file, vary string) {
	chosen := f.pick(r.Header.Get("Accept-Encoding"))
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.cache)
	h.Set("ETag", chosen.etag)
	h.Add("Vary", vary)
	if f.policy != "" {
		h.Set("Content-Security-Policy", f.policy)
	}
	if f.language != "" {
		h.Set("Content-Language", f.language)
	}
	if chosen.coding != "" {
		h.Set("Content-Encoding", chosen.coding)
	}
	if matches(r.Header.Get("If-None-Match"), chosen.etag) {
		h.Del("Content-Type")
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(chosen.body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(chosen.body) // a client that has gone is no fault
	}
}

// matches compares an If-None-Match list with a tag, weakly (RFC 9110, 13.1.2): a
// proxy that recompresses marks the tag as weak.
func matches(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}
