package site

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// file is one file of the app, with every form in which it can be sent.
type file struct {
	contentType string
	cache       string
	policy      string // of content, for pages
	language    string // of pages
	plain       form
	packed      []form // smallest first
}

// form is the bytes of a file in one content coding, "" for none.
type form struct {
	coding string
	body   []byte
	etag   string
}

const (
	// cacheForever is for files whose name changes with their content.
	cacheForever = "public, max-age=31536000, immutable"
	// cacheChecked lets a copy be kept, and asked about each time.
	cacheChecked = "no-cache"
)

// read takes in a file and its compressed forms.
func read(from fs.FS, name string) (*file, error) {
	body, err := fs.ReadFile(from, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	f := &file{contentType: typeOf(name), cache: cacheChecked, plain: newForm("", body)}
	if strings.HasPrefix(name, "_app/immutable/") {
		f.cache = cacheForever
	}
	if path.Ext(name) == ".html" {
		f.policy = policyOf(body)
	}
	for _, packed := range []struct{ coding, ending string }{{"br", ".br"}, {"gzip", ".gz"}} {
		body, err := fs.ReadFile(from, name+packed.ending)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", name+packed.ending, err)
		default:
			f.packed = append(f.packed, newForm(packed.coding, body))
		}
	}
	return f, nil
}

// newForm names a form by its own bytes: two forms of a file never share a tag.
func newForm(coding string, body []byte) form {
	sum := sha256.Sum256(body)
	return form{coding: coding, body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// types are the kinds of file that a build holds. The system's own table is not
// asked: it differs from machine to machine, and images have none.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
}

func typeOf(name string) string {
	if known, found := types[path.Ext(name)]; found {
		return known
	}
	return "application/octet-stream"
}
