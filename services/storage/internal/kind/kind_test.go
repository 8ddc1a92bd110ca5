package kind_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/storage/internal/kind"
)

// Beginnings of files, as programs write them.
const (
	png   = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
	jpeg  = "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
	gif   = "GIF89a\x01\x00\x01\x00\x80\x00\x00"
	pdf   = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
	zip   = "PK\x03\x04\x14\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00a.txt"
	mp4   = "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
	m4a   = "\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42"
	exe   = "MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"
	html  = "<!DOCTYPE html><html><script>alert(1)</script></html>"
	svg   = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
	noise = "\x00\x01\x02\x03\xfe\xfd\xfc\x80\x81\x07"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		name, stated, head string
		want               string // "" is a refusal
	}{
		"a picture with everything said right":      {"a.png", "image/png", png, "image/png"},
		"a picture with nothing said":               {"a", "", png, "image/png"},
		"curl's default type says nothing":          {"a.png", "application/x-www-form-urlencoded", png, "image/png"},
		"the extension's case does not matter":      {"A.PNG", "IMAGE/PNG", png, "image/png"},
		"HTML named .png":                           {"a.png", "image/png", html, ""},
		"HTML named .png, no type":                  {"a.png", "", html, ""},
		"HTML stated as a picture":                  {"a", "image/png", html, ""},
		"SVG with a script named .png":              {"a.png", "image/svg+xml", svg, ""},
		"a program named .pdf":                      {"a.pdf", "", exe, ""},
		"a GIF stated as HTML":                      {"a.gif", "text/html", gif, ""},
		"a GIF that is also a script stays a GIF":   {"a.gif", "image/gif", "GIF89a/*\x01\x00*/=1;alert(1)", "image/gif"},
		"a PNG named .jpg":                          {"a.jpg", "", png, ""},
		"a JPEG under its usual wrong name":         {"a.jpg", "image/jpg", jpeg, "image/jpeg"},
		"a PDF":                                     {"a.pdf", "application/pdf", pdf, "application/pdf"},
		"noise named .pdf":                          {"a.pdf", "", noise, ""},
		"noise named .png":                          {"a.png", "", noise, ""},
		"noise named .txt":                          {"a.txt", "", noise, ""},
		"noise with a name that says nothing":       {"a.dat", "", noise, kind.Unknown},
		"a type nobody knows is not taken over":     {"a.blend", "application/x-blender", noise, kind.Unknown},
		"HTML is kept as HTML":                      {"a.html", "text/html", html, "text/html; charset=utf-8"},
		"HTML in a text stays text":                 {"README.md", "", "<h1 align=center>Hello</h1>", "text/markdown; charset=utf-8"},
		"HTML named .txt is only ever text":         {"a.txt", "text/html", html, "text/plain; charset=utf-8"},
		"SVG is kept as SVG":                        {"a.svg", "image/svg+xml", svg, "image/svg+xml"},
		"text that begins like a bitmap":            {"cars.txt", "", "BMW sells cars", "text/plain"},
		"text that begins like a program":           {"a.csv", "text/csv", "MZ,1\n", "text/csv"},
		"Excel's idea of a CSV":                     {"a.csv", "application/vnd.ms-excel", "a,b\n1,2\n", "text/csv"},
		"JSON":                                      {"a.json", "application/json", `{"a":1}`, "application/json"},
		"a document that shows as a plain zip":      {"a.docx", "", zip, "application/zip"},
		"a zip":                                     {"a.zip", "application/x-zip-compressed", zip, "application/zip"},
		"sound in a film's container":               {"a.mp4", "", m4a, "audio/x-m4a"},
		"a film":                                    {"a.mp4", "video/mp4", mp4, "video/mp4"},
		"an MP3 that begins with anything":          {"a.mp3", "audio/mpeg", noise, kind.Unknown},
		"HTML named .mp3":                           {"a.mp3", "", html, ""},
		"a picture named .mp4":                      {"a.mp4", "", png, ""},
		"nothing, with a name that says nothing":    {"empty", "", "", kind.Unknown},
		"nothing, named .txt":                       {"empty.txt", "text/plain", "", "text/plain"},
		"nothing, named .png":                       {"empty.png", "", "", ""},
		"TypeScript, which systems take for a film": {"a.ts", "video/mp2t", "let a = 1\n", "text/plain; charset=utf-8"},
		"a type that cannot be read":                {"a.png", "image/", png, ""},
		"a form around a file":                      {"a.txt", "multipart/form-data; boundary=x", "--x\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := kind.Of(tc.name, tc.stated, []byte(tc.head))
			if tc.want == "" {
				var p *problem.Problem
				if !errors.As(err, &p) || p.Status != 415 {
					t.Fatalf("Of = %q, %v, want a 415", got, err)
				}
				return
			}
			if err != nil || !sameType(got, tc.want) {
				t.Errorf("Of = %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

// sameType ignores a charset that the wanted type does not name.
func sameType(got, want string) bool {
	return got == want || strings.HasPrefix(got, want+"; charset=")
}

func TestOf_looksOnlyAtTheFirstBytes(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", kind.HeadSize) + noise
	if got, err := kind.Of("a.txt", "", []byte(text)); err != nil || !sameType(got, "text/plain") {
		t.Errorf("Of = %q, %v", got, err)
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		name, contentType string
		size              int64
		ok                bool
	}{
		"the same extension":                {"b.png", "image/png", 9, true},
		"no extension":                      {"b", "image/png", 9, true},
		"an extension that says nothing":    {"b.dat", "text/html; charset=utf-8", 9, true},
		"a page becomes a picture":          {"b.png", "text/html; charset=utf-8", 9, false},
		"a picture becomes a page":          {"b.html", "image/png", 9, false},
		"a text becomes another text":       {"b.md", "text/plain; charset=utf-8", 9, true},
		"our own name for a text":           {"b.txt", "text/x-go", 9, true},
		"our own name for a text, as PNG":   {"b.png", "text/x-go", 9, false},
		"a zip becomes a document":          {"b.docx", "application/zip", 9, true},
		"an empty file becomes a text":      {"b.txt", kind.Unknown, 0, true},
		"an empty file becomes a picture":   {"b.png", kind.Unknown, 0, false},
		"bytes without a kind become a PDF": {"b.pdf", kind.Unknown, 9, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := kind.Fits(tc.name, tc.contentType, tc.size); (err == nil) != tc.ok {
				t.Errorf("Fits = %v, want fits: %v", err, tc.ok)
			}
		})
	}
}

func TestInline(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]bool{
		"image/png": true, "text/plain; charset=utf-8": true, "video/mp4": true,
		"text/html; charset=utf-8": false, "image/svg+xml": false, "application/pdf": false,
		"text/xml": false, "text/javascript": false, kind.Unknown: false, "": false,
	} {
		if got := kind.Inline(contentType); got != want {
			t.Errorf("Inline(%q) = %v", contentType, got)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("a.png", "image/png", []byte(png))
	f.Add("a.html", "", []byte(html))
	f.Fuzz(func(t *testing.T, name, stated string, head []byte) {
		got, err := kind.Of(name, stated, head)
		if err != nil {
			return
		}
		// Whatever is stored can stand in a header, and only what is known to be harmless is shown.
		if got == "" || strings.ContainsAny(got, "\r\n\x00") {
			t.Fatalf("Of(%q, %q) = %q", name, stated, got)
		}
		if kind.Inline(got) && strings.HasPrefix(got, "image/") && bytes.HasPrefix(head, []byte("<")) {
			t.Fatalf("a page is shown as %q", got)
		}
	})
}
