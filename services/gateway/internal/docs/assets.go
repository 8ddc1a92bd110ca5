package docs

import (
	_ "embed"
	"encoding/binary"
	"strings"
	"sync"

	"github.com/swaggest/swgui/v5/static"
)

// Ours, beside swagger-ui's own files.
var (
	//go:embed init.js
	script []byte
	//go:embed style.css
	style []byte
)

// shelf is every file of the pages under the name that it is served by.
type shelf struct {
	pages map[string]*Page
	names map[string]string // "init.js" → "init.0123456789abcdef.js"
}

// assets are made when somebody first asks: most gateways never show them.
var assets = sync.OnceValue(func() shelf {
	s := shelf{pages: map[string]*Page{}, names: map[string]string{}}
	s.add("init.js", "text/javascript; charset=utf-8", NewPage("", script))
	s.add("style.css", "text/css; charset=utf-8", NewPage("", style))
	s.addZipped("swagger-ui-bundle.js", "text/javascript; charset=utf-8")
	s.addZipped("swagger-ui.css", "text/css; charset=utf-8")
	return s
})

// addZipped adds a file as the module holds it: zipped, in the binary and not on
// the heap. The last four bytes of gzip are the size.
func (s shelf) addZipped(name, kind string) {
	zipped, err := static.FS.ReadFile(name + ".gz")
	if err != nil || len(zipped) < 4 {
		return // the page's test asks for each
	}
	s.add(name, kind, &Page{etag: hash(zipped), zipped: zipped, size: int(binary.LittleEndian.Uint32(zipped[len(zipped)-4:]))})
}

func (s shelf) add(name, kind string, p *Page) {
	dot := strings.LastIndexByte(name, '.')
	full := name[:dot] + "." + p.etag + name[dot:]
	p.kind, p.age = kind, forEver
	s.pages[full], s.names[name] = p, full
}

// Asset is a file that the pages load, by the name that they call it.
func Asset(name string) (*Page, bool) {
	p, ok := assets().pages[name]
	return p, ok
}
