package docs_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/codex-platform/codex/services/gateway/internal/docs"
)

func serve(t *testing.T, page *docs.Page, method string, lines ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
	for i := 0; i < len(lines); i += 2 {
		r.Header.Set(lines[i], lines[i+1])
	}
	w := httptest.NewRecorder()
	page.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	var from io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		from = z
	}
	text, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPage_isSentAsTheClientTakesIt(t *testing.T) {
	t.Parallel()
	page := docs.NewPage("text/plain", []byte("hello"))
	for accept, zipped := range map[string]bool{"": false, "gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "deflate": false} {
		got := serve(t, page, http.MethodGet, "Accept-Encoding", accept)
		if is := got.Header.Get("Content-Encoding") == "gzip"; is != zipped || body(t, got) != "hello" || got.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %v", accept, got.Header)
		}
	}
	if got := serve(t, page, http.MethodHead); body(t, got) != "" || got.Header.Get("Content-Length") != "5" {
		t.Errorf("HEAD: %v", got.Header)
	}
}

func TestPage_isNotSentTwice(t *testing.T) {
	t.Parallel()
	page := docs.NewPage("text/plain", []byte("hello"))
	for list, status := range map[string]int{
		page.ETag(): 304, `"x", W/` + page.ETag(): 304, "*": 304, `"x"`: 200, "": 200, strings.Trim(page.ETag(), `"`): 200,
	} {
		got := serve(t, page, http.MethodGet, "If-None-Match", list)
		if got.StatusCode != status || got.Header.Get("Etag") != page.ETag() || status == 304 && body(t, got) != "" {
			t.Errorf("%q: %d %v", list, got.StatusCode, got.Header)
		}
	}
	if docs.NewPage("text/plain", []byte("other")).ETag() == page.ETag() {
		t.Error("two texts have one tag")
	}
}

func TestOperations_loadOnlyFilesOfOurs(t *testing.T) {
	t.Parallel()
	page, err := docs.Operations([]string{"auth", "storage"}, []string{"storage"})
	if err != nil {
		t.Fatal(err)
	}
	text := string(page.Text())
	files := regexp.MustCompile(`(?:src|href)="/docs/assets/([^"]+)"`).FindAllStringSubmatch(text, -1)
	if len(files) != 4 {
		t.Fatalf("files: %v", files)
	}
	for _, f := range files {
		asset, ok := docs.Asset(f[1])
		if !ok {
			t.Fatalf("%s is not there", f[1])
		}
		got := serve(t, asset, http.MethodGet)
		if !strings.Contains(got.Header.Get("Cache-Control"), "immutable") || len(body(t, got)) < 100 || got.ContentLength != int64(len(asset.Text())) {
			t.Errorf("%s: %v", f[1], got.Header)
		}
	}
	if regexp.MustCompile(`<script[^>]*>[^<]|<style|style="|onload=|//[a-z]+\.`).MatchString(text) || !strings.Contains(text, "not shown: storage") {
		t.Errorf("the page: %s", text)
	}
	if _, ok := docs.Asset("swagger-ui.css"); ok {
		t.Error("a file without its hash is served")
	}
}

func TestProblems_haveALineForEachCode(t *testing.T) {
	t.Parallel()
	page, err := docs.Problems([]string{"a"}, nil, []docs.Code{
		{"RATE_LIMITED", 429, "Slow down", []string{"gateway"}},
		{"RATE_LIMITED", 429, "Slow down", []string{"a"}},
		{"RATE_LIMITED", 503, "<b>", []string{"b"}},
		{"ANY", 418, "x", nil},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := string(page.Text())
	if strings.Count(text, `id="RATE_LIMITED"`) != 1 || strings.Count(text, "<tr") != 4 || strings.Index(text, `id="ANY"`) > strings.Index(text, `id="RATE_LIMITED"`) {
		t.Errorf("%s", text)
	}
	for _, want := range []string{"a, gateway", "429 Too Many Requests", "&lt;b&gt;", "Retry-After"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}
