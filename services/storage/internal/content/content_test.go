package content_test

import (
	"errors"
	"mime"
	"reflect"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/services/storage/internal/content"
)

type ranges = []objectstore.ByteRange

func TestParseRanges(t *testing.T) {
	t.Parallel()
	const size = 100
	for name, tc := range map[string]struct {
		header string
		size   int64
		want   ranges // nil: the whole file
		err    error
	}{
		"no header":                       {"", size, nil, nil},
		"the first bytes":                 {"bytes=0-9", size, ranges{{First: 0, Last: 9}}, nil},
		"one byte":                        {"bytes=99-99", size, ranges{{First: 99, Last: 99}}, nil},
		"to the end":                      {"bytes=90-", size, ranges{{First: 90, Last: 99}}, nil},
		"the last bytes":                  {"bytes=-5", size, ranges{{First: 95, Last: 99}}, nil},
		"more than there is, from behind": {"bytes=-500", size, ranges{{First: 0, Last: 99}}, nil},
		"beyond the end":                  {"bytes=90-500", size, ranges{{First: 90, Last: 99}}, nil},
		"a number without end":            {"bytes=0-99999999999999999999999", size, ranges{{First: 0, Last: 99}}, nil},
		"the unit's case":                 {"Bytes=0-1", size, ranges{{First: 0, Last: 1}}, nil},
		"blanks around":                   {"bytes= 0-1 , 5-6", size, ranges{{First: 0, Last: 1}, {First: 5, Last: 6}}, nil},
		"in the order of the file":        {"bytes=50-59,0-9", size, ranges{{First: 0, Last: 9}, {First: 50, Last: 59}}, nil},
		"overlapping ones are one":        {"bytes=0-9,5-20", size, ranges{{First: 0, Last: 20}}, nil},
		"touching ones are one":           {"bytes=0-9,10-20", size, ranges{{First: 0, Last: 20}}, nil},
		"one inside another":              {"bytes=0-50,10-20", size, ranges{{First: 0, Last: 50}}, nil},
		"those outside are left out":      {"bytes=0-1,200-300", size, ranges{{First: 0, Last: 1}}, nil},
		"ten":                             {"bytes=" + strings.Repeat("0-0,", 9) + "0-0", size, ranges{{First: 0, Last: 0}}, nil},
		"another unit is ignored":         {"lines=1-2", size, nil, nil},
		"an empty file is its own whole":  {"bytes=0-", 0, nil, nil},
		"all of them outside":             {"bytes=100-,200-300", size, nil, content.ErrRange},
		"nothing from behind":             {"bytes=-0", size, nil, content.ErrRange},
		"backwards":                       {"bytes=9-0", size, nil, content.ErrRange},
		"eleven":                          {"bytes=" + strings.Repeat("0-0,", 10) + "0-0", size, nil, content.ErrRange},
		"a thousand":                      {"bytes=" + strings.Repeat("0-,", 999) + "0-", size, nil, content.ErrRange},
		"no range":                        {"bytes=", size, nil, content.ErrRange},
		"no unit":                         {"0-9", size, nil, content.ErrRange},
		"no numbers":                      {"bytes=a-b", size, nil, content.ErrRange},
		"a sign":                          {"bytes=+1-2", size, nil, content.ErrRange},
		"an empty member":                 {"bytes=0-1,,2-3", size, nil, content.ErrRange},
		"only a dash":                     {"bytes=-", size, nil, content.ErrRange},
		"two dashes":                      {"bytes=1--2", size, nil, content.ErrRange},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := content.ParseRanges(tc.header, tc.size)
			if !errors.Is(err, tc.err) || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v, %v, want %v, %v", got, err, tc.want, tc.err)
			}
		})
	}
}

func FuzzParseRanges(f *testing.F) {
	f.Add("bytes=0-9,5-20,-3", uint32(100))
	f.Fuzz(func(t *testing.T, header string, length uint32) {
		size := int64(length)
		got, err := content.ParseRanges(header, size)
		if err != nil {
			return
		}
		last := int64(-2)
		for _, r := range got {
			if r.First <= last+1 || r.Last < r.First || r.Last >= size {
				t.Fatalf("%q of %d: %v", header, size, got)
			}
			last = r.Last
		}
		if len(got) > 10 {
			t.Fatalf("%d ranges", len(got))
		}
	})
}

func TestDisposition(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.txt":             `attachment; filename="a.txt"`,
		"a b.txt":           `attachment; filename="a b.txt"`,
		`say "hi".txt`:      `attachment; filename="say _hi_.txt"; filename*=UTF-8''say%20%22hi%22.txt`,
		`back\slash`:        `attachment; filename="back_slash"; filename*=UTF-8''back%5Cslash`,
		"a;b=c.txt":         `attachment; filename="a_b=c.txt"; filename*=UTF-8''a%3Bb%3Dc.txt`,
		"100%.txt":          `attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt`,
		"a\r\nSet-Cookie:x": `attachment; filename="aSet-Cookie:x"; filename*=UTF-8''a%0D%0ASet-Cookie%3Ax`,
		"résumé.pdf":        `attachment; filename="r_sum_.pdf"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf`,
		"文書":                `attachment; filename="__"; filename*=UTF-8''%E6%96%87%E6%9B%B8`,
	} {
		if got := content.Disposition("attachment", name); got != want {
			t.Errorf("%q:\n got %s\nwant %s", name, got, want)
		}
	}
}

func FuzzDisposition(f *testing.F) {
	f.Add("a \"b\";\r\n.txt")
	f.Fuzz(func(t *testing.T, name string) {
		got := content.Disposition("inline", name)
		for _, c := range []byte(got) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q has the byte %#x", got, c)
			}
		}
		kind, params, err := mime.ParseMediaType(got)
		if err != nil || kind != "inline" {
			t.Fatalf("%q cannot be read: %v", got, err)
		}
		if strings.Contains(got, "filename*") && params["filename"] != name {
			t.Fatalf("%q reads as %q", got, params["filename"])
		}
	})
}
