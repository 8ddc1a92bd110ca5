package main

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestDownload_ranges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	f := ada.upload("digits.txt", "0123456789")
	for header, want := range map[string]struct {
		status int
		body   string
		which  string
	}{
		"bytes=0-3":         {http.StatusPartialContent, "0123", "bytes 0-3/10"},
		"bytes=4-":          {http.StatusPartialContent, "456789", "bytes 4-9/10"},
		"bytes=-2":          {http.StatusPartialContent, "89", "bytes 8-9/10"},
		"bytes=0-1,1-4":     {http.StatusPartialContent, "01234", "bytes 0-4/10"},
		"bytes=0-99":        {http.StatusPartialContent, "0123456789", "bytes 0-9/10"},
		"pages=1-2":         {http.StatusOK, "0123456789", ""},
		"bytes=10-":         {http.StatusRequestedRangeNotSatisfiable, "", "bytes */10"},
		"bytes=5-2":         {http.StatusRequestedRangeNotSatisfiable, "", "bytes */10"},
		thousandOverlapping: {http.StatusRequestedRangeNotSatisfiable, "", "bytes */10"},
	} {
		got := ada.do(http.MethodGet, contentOf(f.ID), nil, "Range", header)
		if got.status != want.status || got.header.Get("Content-Range") != want.which {
			t.Errorf("%.40s: %d %q", header, got.status, got.header.Get("Content-Range"))
			continue
		}
		if want.status == http.StatusRequestedRangeNotSatisfiable {
			got.refused(t, want.status, "RANGE_NOT_SATISFIABLE")
		} else if string(got.body) != want.body || got.header.Get("Content-Length") != strconv.Itoa(len(want.body)) {
			t.Errorf("%.40s: %q", header, got.body)
		}
	}
}

var thousandOverlapping = "bytes=" + strings.Repeat("0-5,", 999) + "0-5"

func TestDownload_severalRanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	f := ada.upload("digits.txt", "0123456789")
	got := ada.do(http.MethodGet, contentOf(f.ID), nil, "Range", "bytes=8-,0-1,4-4")
	kind, params, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	if err != nil || kind != "multipart/byteranges" || got.status != http.StatusPartialContent {
		t.Fatalf("%d %s", got.status, got.header.Get("Content-Type"))
	}
	if got.header.Get("Content-Length") != strconv.Itoa(len(got.body)) {
		t.Errorf("length %s of %d", got.header.Get("Content-Length"), len(got.body))
	}
	var seen []string
	for r := multipart.NewReader(bytes.NewReader(got.body), params["boundary"]); ; {
		part, err := r.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(part)
		seen = append(seen, part.Header.Get("Content-Range")+" "+part.Header.Get("Content-Type")+" "+string(body))
	}
	want := "bytes 0-1/10 text/plain; charset=utf-8 01|bytes 4-4/10 text/plain; charset=utf-8 4|bytes 8-9/10 text/plain; charset=utf-8 89"
	if strings.Join(seen, "|") != want {
		t.Errorf("parts %v", seen)
	}
}

func TestDownload_conditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	f := ada.upload("a.txt", "0123456789")
	modified := ada.do(http.MethodHead, contentOf(f.ID), nil).header.Get("Last-Modified")
	long := "Mon, 01 Jan 2001 00:00:00 GMT"
	for name, tc := range map[string]struct {
		headers []string
		status  int
		length  int
	}{
		"has it":                      {[]string{"If-None-Match", f.ETag}, http.StatusNotModified, 0},
		"has another":                 {[]string{"If-None-Match", `"x"`}, http.StatusOK, 10},
		"not modified":                {[]string{"If-Modified-Since", modified}, http.StatusNotModified, 0},
		"modified":                    {[]string{"If-Modified-Since", long}, http.StatusOK, 10},
		"matches":                     {[]string{"If-Match", f.ETag}, http.StatusOK, 10},
		"does not match":              {[]string{"If-Match", `"x"`}, http.StatusPreconditionFailed, -1},
		"modified since":              {[]string{"If-Unmodified-Since", long}, http.StatusPreconditionFailed, -1},
		"a range of the same":         {[]string{"Range", "bytes=0-1", "If-Range", f.ETag}, http.StatusPartialContent, 2},
		"a range of another":          {[]string{"Range", "bytes=0-1", "If-Range", `"x"`}, http.StatusOK, 10},
		"a bad range of another":      {[]string{"Range", "bytes=90-", "If-Range", `"x"`}, http.StatusOK, 10},
		"a range, and has it":         {[]string{"Range", "bytes=0-1", "If-None-Match", f.ETag}, http.StatusNotModified, 0},
		"a range, since a date":       {[]string{"Range", "bytes=0-1", "If-Range", long}, http.StatusOK, 10},
		"a range that does not match": {[]string{"Range", "bytes=0-1", "If-Match", `"x"`}, http.StatusPreconditionFailed, -1},
	} {
		got := ada.do(http.MethodGet, contentOf(f.ID), nil, tc.headers...)
		if got.status != tc.status || tc.length >= 0 && len(got.body) != tc.length {
			t.Errorf("%s: %d, %d bytes", name, got.status, len(got.body))
		}
		if tc.status == http.StatusNotModified && (got.header.Get("ETag") != f.ETag || got.header.Get("Cache-Control") == "") {
			t.Errorf("%s: headers %v", name, got.header)
		}
		head := ada.do(http.MethodHead, contentOf(f.ID), nil, tc.headers...)
		if want := min(tc.status, http.StatusOK); tc.status < 300 && head.status != want || tc.status >= 300 && head.status != tc.status {
			t.Errorf("%s: HEAD = %d", name, head.status) // and HEAD knows no ranges
		}
	}
}

func TestDownload_head(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	f := ada.upload("a.txt", "0123456789")
	got := ada.do(http.MethodHead, contentOf(f.ID), nil)
	if got.status != http.StatusOK || got.header.Get("Content-Length") != "10" || got.header.Get("ETag") != f.ETag || len(got.body) > 0 {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestDownload_emptyFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	f := ada.upload("a.txt", "")
	for _, header := range []string{"", "bytes=0-", "bytes=0-0,5-6"} {
		got := ada.do(http.MethodGet, contentOf(f.ID), nil, "Range", header)
		if got.status != http.StatusOK || got.header.Get("Content-Length") != "0" {
			t.Errorf("%q: %d %v", header, got.status, got.header)
		}
	}
}

// Nothing that a user stored runs in a browser (STO-04).
func TestDownload_headers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	png := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
	for name, tc := range map[string]struct {
		content, kind string
		inline        bool
	}{
		"a.html":            {"<!DOCTYPE html><script>alert(1)</script>", "text/html; charset=utf-8", false},
		"a.svg":             {`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`, "image/svg+xml", false},
		"a.js":              {"alert(1)", "text/javascript; charset=utf-8", false},
		"a.pdf":             {"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf", false},
		"a.png":             {png, "image/png", true},
		"a.txt":             {"hello", "text/plain; charset=utf-8", true},
		"page.txt":          {"<!DOCTYPE html><script>alert(1)</script>", "text/plain; charset=utf-8", true},
		"say%20%22a%22%3Bb": {"x", "text/plain; charset=utf-8", true},
	} {
		f := ada.upload(name, tc.content)
		for query, want := range map[string]string{"": "attachment", "?disposition=attachment": "attachment", "?disposition=inline": "inline"} {
			if !tc.inline {
				want = "attachment"
			}
			got := ada.do(http.MethodGet, contentOf(f.ID)+query, nil)
			kind, params, err := mime.ParseMediaType(got.header.Get("Content-Disposition"))
			if err != nil || kind != want || params["filename"] != f.Name {
				t.Errorf("%s%s: Content-Disposition %q", name, query, got.header.Get("Content-Disposition"))
			}
			for header, value := range map[string]string{
				"Content-Type": tc.kind, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
				"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "private, no-cache", "Accept-Ranges": "bytes", "ETag": f.ETag,
			} {
				if got.header.Get(header) != value {
					t.Errorf("%s: %s is %q, want %q", name, header, got.header.Get(header), value)
				}
			}
		}
	}
	f := ada.upload("b.txt", "x")
	ada.do(http.MethodGet, contentOf(f.ID)+"?disposition=other", nil).refused(t, http.StatusUnprocessableEntity, "VALIDATION_FAILED")
}

// A file that has lost its object is our fault, is said so, and is not an empty file.
func TestDownload_objectIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	f := ada.upload("a.txt", "hello")
	for key := range w.keysOfFiles() {
		if err := w.bucket.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	ada.do(http.MethodGet, contentOf(f.ID), nil).refused(t, http.StatusInternalServerError, "INTERNAL")
}
