package upstream_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

var plainText = strings.Repeat("all work and no play makes a long answer. ", 1000)

func unpack(t *testing.T, coding, body string) string {
	t.Helper()
	var in io.Reader = strings.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		in, err = gzip.NewReader(in)
	case "zstd":
		in, err = zstd.NewReader(in)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCompress_whereItHelpsAndMeansTheSame(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, accept string
		header         map[string]string
		body           string
		coding, tag    string
	}{
		"zstd first":        {"GET", "gzip, zstd", nil, plainText, "zstd", `W/"1"`},
		"gzip":              {"GET", "gzip;q=0.5", nil, plainText, "gzip", `W/"1"`},
		"refused by weight": {"GET", "gzip;q=0, zstd; q=0.000", nil, plainText, "", `"1"`},
		"not accepted":      {"GET", "br", nil, plainText, "", `"1"`},
		"short":             {"GET", "gzip", nil, "short", "", `"1"`},
		"a picture":         {"GET", "gzip", map[string]string{"Content-Type": "image/png"}, plainText, "", `"1"`},
		"no-transform":      {"GET", "gzip", map[string]string{"Cache-Control": "public, no-transform"}, plainText, "", `"1"`},
		"coded already":     {"GET", "gzip", map[string]string{"Content-Encoding": "br"}, plainText, "br", `"1"`},
		"a part":            {"GET", "gzip", map[string]string{"Content-Range": "bytes 0-1/2", "X-Status": "206"}, plainText, "", `"1"`},
		"events":            {"GET", "gzip", map[string]string{"Content-Type": "text/event-stream"}, plainText, "", `"1"`},
		"HEAD is the same":  {"HEAD", "gzip", nil, plainText, "gzip", `W/"1"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				h := w.Header()
				h.Set("Content-Type", "application/json; charset=utf-8")
				h.Set("Etag", `"1"`)
				for name, value := range tc.header {
					h.Set(name, value)
				}
				if h.Get("X-Status") == "206" {
					w.WriteHeader(http.StatusPartialContent)
				}
				_, _ = io.WriteString(w, tc.body)
			}))
			defer back.Close()
			address := front(t, upstream.Proxy{Service: service(t, back.URL, upstream.Options{}), Compress: true}, nil)
			for range 3 { // writers are used again
				res, body := send(t, tc.method, address, "Accept-Encoding: "+tc.accept)
				if got := res.Header.Get("Content-Encoding"); got != tc.coding || res.Header.Get("Etag") != tc.tag {
					t.Fatalf("coding %q, tag %s", got, res.Header.Get("Etag"))
				}
				if tc.method == "GET" && tc.coding != "br" && unpack(t, tc.coding, body) != tc.body {
					t.Errorf("another body")
				}
				if (tc.coding == "gzip" || tc.coding == "zstd") && (res.Header.Get("Vary") != "Accept-Encoding" || len(body) > len(tc.body)/5) {
					t.Errorf("Vary %q, %d of %d bytes", res.Header.Get("Vary"), len(body), len(tc.body))
				}
			}
		})
	}
}
