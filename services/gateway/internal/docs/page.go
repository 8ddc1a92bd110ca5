// Package docs owns the pages that explain the API to people: the operations in
// swagger-ui, and what every error code means.
package docs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Page is a text that is ready to be sent, plain or zipped.
type Page struct {
	kind   string
	age    string // Cache-Control
	etag   string
	zipped []byte // all that is kept: few clients want the other form
	size   int    // unzipped
}

// How long copies may be kept.
const (
	aWhile  = "public, max-age=30"
	forEver = "public, max-age=31536000, immutable" // the name holds a hash of the text
)

// NewPage makes a page of this content type whose copies are good for half a minute.
func NewPage(kind string, text []byte) *Page {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(text) // into memory: neither can fail
	_ = z.Close()
	return &Page{kind: kind, age: aWhile, etag: hash(text), zipped: zipped.Bytes(), size: len(text)}
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// ETag changes with the text.
func (p *Page) ETag() string { return `"` + p.etag + `"` }

// Text unzips the page.
func (p *Page) Text() []byte {
	text := make([]byte, 0, p.size)
	w := bytes.NewBuffer(text)
	_ = p.unzip(w) // from memory, which we zipped
	return w.Bytes()
}

func (p *Page) unzip(w io.Writer) error {
	z, err := gzip.NewReader(bytes.NewReader(p.zipped))
	if err != nil {
		return err
	}
	_, err = io.Copy(w, z) //nolint:gosec // our own text, of a known size
	return err
}

// ServeHTTP sends the page, or 304 to who has it.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Etag", p.ETag())
	h.Set("Cache-Control", p.age)
	h.Add("Vary", "Accept-Encoding")
	if has(r.Header.Get("If-None-Match"), p.ETag()) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", p.kind)
	if !takesGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Length", strconv.Itoa(p.size))
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			_ = p.unzip(w) // a client that left gets nothing more
		}
		return
	}
	h.Set("Content-Encoding", "gzip")
	h.Set("Content-Length", strconv.Itoa(len(p.zipped)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(p.zipped)
	}
}

// has tells whether a list of entity tags holds this one; comparison is weak, as
// RFC 9110 §13.1.2 wants it.
func has(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// takesGzip reads Accept-Encoding; "gzip;q=0" says no.
func takesGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			weight, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(q), "q="), 64)
			return err != nil || weight > 0
		}
	}
	return false
}
