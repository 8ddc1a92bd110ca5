package upstream

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// minPacked is the least that is worth compressing: less fits one packet.
const minPacked = 1 << 10

// packing is a content coding with its writers, which are large and used again.
type packing struct {
	name string
	pool sync.Pool
}

// encoder is what both codings' writers have.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(w io.Writer)
}

var packings = [...]*packing{
	{name: "zstd", pool: sync.Pool{New: func() any {
		// One goroutine and a window of 128 KiB: the memory of one answer stays small.
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(128<<10))
		if err != nil {
			return nil
		}
		return e
	}}},
	{name: "gzip", pool: sync.Pool{New: func() any {
		e, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			return nil
		}
		return e
	}}},
}

// packer compresses an answer's body on its way.
type packer struct {
	coding *packing
	to     encoder
}

func (p *packer) Write(b []byte) (int, error) { return p.to.Write(b) }
func (p *packer) flush() error                { return p.to.Flush() }

// release gives the writer back for the next answer.
func (p *packer) release() {
	p.to.Reset(nil)
	p.coding.pool.Put(p.to)
}

// finish writes the end of what was compressed.
func finish(to writer) error {
	if p, ok := to.(*packer); ok {
		return p.to.Close()
	}
	return nil
}

// compress changes the header of an answer that will be compressed and gives the
// writer for its body; nil where the body passes as it is, or where there is none.
func (p *Proxy) compress(w http.ResponseWriter, r *http.Request, a *answer) *packer {
	if !p.Compress {
		return nil
	}
	h := w.Header()
	if a.status == http.StatusNotModified { // of an answer that may have been compressed
		addVary(h, varyEncoding)
		weaken(h)
		return nil
	}
	if !packable(h, r, a) {
		return nil
	}
	addVary(h, varyEncoding)
	coding := accepted(r.Header["Accept-Encoding"])
	if coding == nil {
		return nil
	}
	h["Content-Encoding"] = []string{coding.name}
	delete(h, "Content-Length")
	delete(h, "Accept-Ranges")
	weaken(h)
	if a.bodiless(r.Method) {
		return nil
	}
	to, ok := coding.pool.Get().(encoder)
	if !ok {
		panic(http.ErrAbortHandler) // only with settings that no build has
	}
	to.Reset(w)
	return &packer{coding, to}
}

var varyEncoding = []string{"Accept-Encoding"}

// packable holds for answers that become smaller and mean the same afterwards.
func packable(h http.Header, r *http.Request, a *answer) bool {
	switch {
	case a.status != http.StatusOK && a.status < http.StatusBadRequest, a.length >= 0 && a.length < minPacked,
		len(h["Content-Encoding"]) > 0, len(h["Content-Range"]) > 0, len(h["Content-Digest"]) > 0, len(h["Digest"]) > 0,
		a.bodiless(r.Method) && r.Method != http.MethodHead:
		return false
	}
	for _, line := range h["Cache-Control"] {
		if hasToken(line, "no-transform") {
			return false
		}
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return compressible(strings.ToLower(strings.TrimSpace(kind)))
}

// compressible holds for types of text, in a wide sense.
func compressible(kind string) bool {
	switch kind {
	case eventStream:
		return false // every event would need a flush, and waits in somebody's buffer
	case "application/json", "application/javascript", "application/xml", "application/wasm", "application/yaml",
		"application/manifest+json", "application/x-ndjson", "image/svg+xml", "font/ttf", "font/otf":
		return true
	}
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") || strings.HasSuffix(kind, "+yaml")
}

// accepted picks the first of our codings that the client takes (RFC 9110
// §12.5.3); "*" and a weight of zero are taken at their word.
func accepted(lines []string) *packing {
	for _, coding := range packings {
		if accepts(lines, coding.name) {
			return coding
		}
	}
	return nil
}

func accepts(lines []string, name string) bool {
	for _, line := range lines {
		for line != "" {
			var one string
			one, line, _ = strings.Cut(line, ",")
			coding, weight, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.Trim(coding, " \t"), name) {
				return !refused(weight)
			}
		}
	}
	return false
}

// refused holds for the weight "q=0", with any number of decimals.
func refused(weight string) bool {
	weight = strings.ToLower(strings.ReplaceAll(weight, " ", ""))
	return strings.HasPrefix(weight, "q=0") && strings.Trim(weight[len("q=0"):], ".0") == ""
}

// weaken marks an entity tag as one for other bytes than the service's.
func weaken(h http.Header) {
	if tag := h.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		h["Etag"] = []string{"W/" + tag}
	}
}
