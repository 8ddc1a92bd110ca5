package kind

import (
	"bytes"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// bytesOf is what the first bytes of a file show.
type bytesOf struct {
	found *mimetype.MIME // the signature, or Unknown
	text  bool           // no byte that text does not have
}

// look finds out what the bytes show. No bytes are no format, and text.
func look(head []byte) bytesOf {
	head = head[:min(len(head), HeadSize)]
	if len(head) == 0 {
		return bytesOf{found: mimetype.Lookup(Unknown), text: true}
	}
	return bytesOf{found: mimetype.Detect(head), text: looksText(head)}
}

// meets tells whether the bytes keep what the claim, a media type, promises.
func (b bytesOf) meets(claim string) bool {
	if isText(claim) {
		return b.text
	}
	claimed := mimetype.Lookup(claim)
	switch {
	case claimed == nil: // no signature to look for
		return true
	case within(b.found, claimed), within(claimed, b.found): // a .docx is a zip, and a zip may be a .docx
		return true
	case isMedia(claim):
		// Containers of sound and film share signatures, and an MP3 may begin with anything.
		return isMedia(b.found.String()) || b.found.Is(Unknown) && !b.text
	}
	return false
}

// within tells whether inner is outer or a special form of it.
func within(inner, outer *mimetype.MIME) bool {
	for m := inner; m != nil && m.Parent() != nil; m = m.Parent() {
		if m.Is(outer.String()) {
			return true
		}
	}
	return false
}

func isMedia(t string) bool {
	return strings.HasPrefix(t, "audio/") || strings.HasPrefix(t, "video/") || t == "application/ogg"
}

// isText tells whether a media type is one of text.
func isText(t string) bool {
	t, _, _ = strings.Cut(t, ";")
	if strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "+xml") || strings.HasSuffix(t, "+json") {
		return true
	}
	if strings.HasPrefix(t, "image/") {
		return false // the portable bitmaps: a text format in name, mostly binary
	}
	for m := mimetype.Lookup(t); m != nil; m = m.Parent() {
		if m.Is("text/plain") {
			return true
		}
	}
	return false
}

// looksText: no "binary data byte" of the WHATWG MIME Sniffing standard, section
// 7.2, or a byte order mark in front. The signatures are no help here: a text
// that begins with BM is a bitmap to them.
func looksText(head []byte) bool {
	for _, mark := range []string{"\xFE\xFF", "\xFF\xFE", "\xEF\xBB\xBF"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			return true
		}
	}
	for _, c := range head {
		if c <= 0x08 || c == 0x0B || c >= 0x0E && c <= 0x1A || c >= 0x1C && c <= 0x1F {
			return false
		}
	}
	return true
}
