package kind_test

import (
	"strings"
	"testing"

	"github.com/codex-platform/codex/services/storage/internal/kind"
)

func TestActive(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		picture string
		active  bool
	}{
		"a drawing":               {`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h10" style="fill:none"/><text>only = 5, on top</text></svg>`, false},
		"a script":                {`<svg><script>alert(1)</script></svg>`, true},
		"a script in capitals":    {`<svg><SCRIPT href="x"/></svg>`, true},
		"a script with a prefix":  {`<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script/></s:svg>`, true},
		"a handler":               {`<svg onload="alert(1)"/>`, true},
		"a handler on a new line": {"<svg\nonclick = 'x'/>", true},
		"a handler after a slash": {`<svg/onload=x>`, true},
		"an address that runs":    {`<svg><a href="javascript:x">y</a></svg>`, true},
		"foreign content":         {`<svg><foreignObject><body/></foreignObject></svg>`, true},
		"an entity":               {`<!DOCTYPE svg [<!ENTITY a "x">]><svg/>`, true},
		"in UTF-16":               {strings.Join(strings.Split(`<svg><script/></svg>`, ""), "\x00"), true},
		"after a megabyte":        {`<svg>` + strings.Repeat("<g/>", 1<<18) + `<script/></svg>`, true},
	} {
		sizes := []int{1, 7, 64, len(tc.picture)}
		if len(tc.picture) > 1<<16 {
			sizes = []int{4096, len(tc.picture)}
		}
		for _, size := range sizes {
			if got := inPieces(kind.Watch("image/svg+xml"), tc.picture, size); got != tc.active {
				t.Errorf("%s in pieces of %d: active = %v", name, size, got)
			}
		}
	}
	if inPieces(kind.Watch("text/html"), "<script>", 8) {
		t.Error("a page is held for a picture")
	}
}

func inPieces(a *kind.Active, text string, size int) bool {
	found := false
	for len(text) > 0 {
		n := min(size, len(text))
		found = a.In([]byte(text[:n])) || found
		text = text[n:]
	}
	return found
}
