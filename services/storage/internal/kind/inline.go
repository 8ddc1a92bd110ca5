package kind

import "strings"

// inline are the types that a browser may show instead of saving: pictures,
// sound, film and plain text, none of which can run anything. PDF, SVG and HTML
// are not among them.
var inline = map[string]bool{
	"image/png": true, "image/apng": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/avif": true,
	"video/mp4": true, "video/webm": true, "audio/mpeg": true, "text/plain": true,
}

// Inline tells whether a file of this type may be shown by a browser.
func Inline(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	return inline[strings.TrimSpace(t)]
}
