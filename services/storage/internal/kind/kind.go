// Package kind owns the question what a file is: its media type, decided from
// its first bytes, and whether its name and the type that the client stated say
// the same.
//
// The rule, in words: what a claim (the name's extension, the stated type)
// promises must be in the bytes. A claim of text is met by any text, because
// people keep Markdown that begins with HTML. A claim of a format that has a
// signature is met by that signature only, so HTML named .png is refused. A
// claim that we know nothing about is neither met nor broken. Polyglots are
// what their first bytes say, and are served so that nothing else matters.
package kind

import (
	"mime"
	"net/http"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/codex-platform/codex/pkg/problem"
)

// HeadSize is how many of a file's first bytes are looked at.
const HeadSize = 3 << 10

// Unknown is the type of bytes that no signature names.
const Unknown = "application/octet-stream"

// ErrNotAllowed refuses a file that is not what it claims to be.
var ErrNotAllowed = problem.New(http.StatusUnsupportedMediaType, "TYPE_NOT_ALLOWED",
	"The file's content is not what its name or its stated type says")

// Of gives the media type to store for a file of this name, which was sent with
// this Content-Type (possibly empty) and begins with head, or ErrNotAllowed.
func Of(name, stated string, head []byte) (string, error) {
	statedType, err := parseStated(stated)
	if err != nil {
		return "", err
	}
	b := look(head)
	text := ""
	for _, claim := range []string{ofExtension(name), statedType} {
		switch {
		case claim == "", claim == excelForCSV && b.text:
		case !b.meets(claim):
			return "", ErrNotAllowed
		case text == "" && isText(claim):
			text = claim // the extension comes first: it is what people see
		}
	}
	if text != "" {
		return withCharset(text, b.found), nil
	}
	return b.found.String(), nil
}

// Fits refuses a new name for a stored file when its extension promises
// something else than what the file is.
func Fits(name, contentType string, size int64) error {
	claim := ofExtension(name)
	found := mimetype.Lookup(contentType)
	if claim == "" || found == nil && !isText(contentType) {
		return nil
	}
	b := bytesOf{found: found, text: isText(contentType)}
	if size == 0 {
		b = look(nil)
	}
	if found == nil {
		b.found = mimetype.Lookup("text/plain")
	}
	if !b.meets(claim) {
		return ErrNotAllowed
	}
	return nil
}

// excelForCSV is what Windows calls a CSV file when Excel is installed.
const excelForCSV = "application/vnd.ms-excel"

// parseStated reads a Content-Type. What clients send when they know nothing
// counts as nothing: curl's default for --data-binary is a form's type.
func parseStated(stated string) (string, error) {
	if stated == "" {
		return "", nil
	}
	t, _, err := mime.ParseMediaType(stated)
	switch {
	case err != nil, strings.HasPrefix(t, "multipart/"): // the body is the file, not a form around it
		return "", problem.UnsupportedMediaType
	case t == Unknown, t == "binary/octet-stream", t == "application/x-www-form-urlencoded":
		return "", nil
	}
	if proper, ok := misspelled[t]; ok {
		return proper, nil
	}
	return t, nil
}

// misspelled are names in use that no registry and no signature list has.
var misspelled = map[string]string{
	"image/jpg":                    "image/jpeg",
	"image/pjpeg":                  "image/jpeg",
	"image/vnd.microsoft.icon":     "image/x-icon",
	"audio/x-flac":                 "audio/flac",
	"video/mkv":                    "video/x-matroska",
	"application/x-zip":            "application/zip",
	"application/x-7zip":           "application/x-7z-compressed",
	"application/x-msdownload":     "application/vnd.microsoft.portable-executable",
	"application/x-dosexec":        "application/vnd.microsoft.portable-executable",
	"application/x-debian-package": "application/vnd.debian.binary-package",
}

// withCharset adds to a text type the encoding that the bytes show.
func withCharset(t string, found *mimetype.MIME) string {
	for m := found; m != nil; m = m.Parent() {
		if _, params, err := mime.ParseMediaType(m.String()); err == nil && params["charset"] != "" {
			return t + "; charset=" + params["charset"]
		}
	}
	return t
}
