package site_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/web/internal/site"
)

const (
	home   = `<meta http-equiv="content-security-policy" content="default-src 'none'">home`
	signIn = `<html lang="en"><head><meta http-equiv="content-security-policy" content="default-src 'none'; script-src 'self' 'sha256-abc='"></head>sign in</html>`
	german = `<html lang="de"><head><meta http-equiv="content-security-policy" content="script-src 'self' 'sha256-def='"></head>anmelden</html>`
)

// build is a small app as `make web` leaves it.
func build() fstest.MapFS {
	f := fstest.MapFS{}
	for name, body := range map[string]string{
		"index.html":                       home,
		"de.html":                          `<meta http-equiv="content-security-policy" content="default-src 'none'">start`,
		"sign-in.html":                     signIn,
		"sign-in.html.br":                  "br of sign in",
		"sign-in.html.gz":                  "gz of sign in",
		"de/sign-in.html":                  german,
		"200.html":                         "shell",
		"favicon.svg":                      "<svg/>",
		"_app/version.json":                `{"version":"1"}`,
		"_app/immutable/entry/app.1.js":    "code",
		"_app/immutable/entry/app.1.js.br": "br of code",
		".gitkeep":                         "",
	} {
		f[name] = &fstest.MapFile{Data: []byte(body), ModTime: time.Unix(1, 0)}
	}
	return f
}

// ask sends one request, with headers given as name, value, name, value.
func ask(t *testing.T, from fs.FS, method, target string, headers ...string) (*httptest.ResponseRecorder, error) {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	return w, site.NewLive(from).Answer(w, r)
}

func get(t *testing.T, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	w, err := ask(t, build(), http.MethodGet, target, headers...)
	if err != nil {
		t.Fatalf("GET %s: %v", target, err)
	}
	return w
}

func TestAnswer_findsFilesPagesAndTheShell(t *testing.T) {
	t.Parallel()
	person := []string{"Sec-Fetch-Mode", "navigate"}
	script := []string{"Sec-Fetch-Mode", "cors", "Accept", "text/html"}
	for name, tc := range map[string]struct {
		target  string
		headers []string
		body    string // empty: not found
	}{
		"the start page":                         {"/", nil, home},
		"a rendered page":                        {"/sign-in?redirect=%2Ffiles", nil, signIn},
		"a file":                                 {"/favicon.svg", nil, "<svg/>"},
		"an address of the app":                  {"/files", person, "shell"},
		"an unknown address of a person":         {"/no/such/page", person, "shell"},
		"an old browser that reads HTML":         {"/files", []string{"Accept", "text/html,*/*;q=0.8"}, "shell"},
		"a program at an unknown address":        {"/files", []string{"Accept", "*/*"}, ""},
		"a script, whatever it accepts":          {"/files", script, ""},
		"a missing file of the app, by a script": {"/_app/immutable/entry/app.0.js", script, ""},
		"a missing file of the app, by a person": {"/_app/immutable/entry/app.0.js", person, ""},
		"an address of a service":                {"/api/storage/v2/files", person, ""},
		"an internal address":                    {"/internal/v1/users/1", person, ""},
		"the file behind a page":                 {"/sign-in.html", script, ""},
		"the folder of a language":               {"/de/sign-in", script, ""},
		"the shell by its name":                  {"/200.html", script, ""},
		"a compressed form by its name":          {"/_app/immutable/entry/app.1.js.br", script, ""},
		"a hidden file":                          {"/.gitkeep", script, ""},
		"a way out of the folder":                {"/../site_test.go", script, ""},
		"an encoded way out of the folder":       {"/%2e%2e/site_test.go", script, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := ask(t, build(), http.MethodGet, tc.target, tc.headers...)
			switch {
			case tc.body == "" && !errors.Is(err, problem.NotFound):
				t.Errorf("got %d %q and %v, want not found", w.Code, w.Body, err)
			case tc.body != "" && (err != nil || w.Code != http.StatusOK || w.Body.String() != tc.body):
				t.Errorf("got %d %q and %v, want %q", w.Code, w.Body, err, tc.body)
			}
		})
	}
}

func TestAnswer_aMissingFileIsNotKeptByCaches(t *testing.T) {
	t.Parallel()
	w, err := ask(t, build(), http.MethodGet, "/_app/immutable/entry/app.0.js")
	if got := w.Header().Get("Cache-Control"); err == nil || got != "no-store" {
		t.Errorf("Cache-Control is %q with error %v", got, err)
	}
}

func TestAnswer_aSlashAtTheEndLeadsToThePage(t *testing.T) {
	t.Parallel()
	w := get(t, "/sign-in/?redirect=%2Ffiles", "Sec-Fetch-Mode", "navigate")
	if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != "/sign-in?redirect=%2Ffiles" {
		t.Errorf("got %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestAnswer_neverLeadsToAnotherHost(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"//evil.example/", "/\\evil.example/", "//evil.example/sign-in/", "/sign-in//evil.example/"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = target
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		w := httptest.NewRecorder()
		if err := site.NewLive(build()).Answer(w, r); err != nil {
			t.Fatal(err)
		}
		if at := w.Header().Get("Location"); strings.Contains(at, "evil") {
			t.Errorf("%q leads to %q", target, at)
		}
	}
}

func TestAnswer_otherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		w, err := ask(t, build(), method, "/sign-in")
		if !errors.Is(err, problem.MethodNotAllowed) || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %v, Allow %q", method, err, w.Header().Get("Allow"))
		}
	}
}

func TestAnswer_HEADIsGETWithoutTheBody(t *testing.T) {
	t.Parallel()
	head, err := ask(t, build(), http.MethodHead, "/favicon.svg")
	if err != nil {
		t.Fatal(err)
	}
	full := get(t, "/favicon.svg")
	if head.Body.Len() != 0 || head.Header().Get("Content-Length") != "6" {
		t.Errorf("HEAD has %d bytes and Content-Length %q", head.Body.Len(), head.Header().Get("Content-Length"))
	}
	if head.Header().Get("ETag") != full.Header().Get("ETag") {
		t.Error("HEAD and GET name different tags")
	}
}

func TestAnswer_namedByContentIsKeptForAYearAndTheRestIsChecked(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/_app/immutable/entry/app.1.js": "public, max-age=31536000, immutable",
		"/_app/version.json":             "no-cache",
		"/favicon.svg":                   "no-cache",
		"/sign-in":                       "no-cache",
	} {
		if got := get(t, target).Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control %q, want %q", target, got, want)
		}
	}
}

func TestAnswer_takesTheSmallestFormTheClientReads(t *testing.T) {
	t.Parallel()
	for accepted, want := range map[string]string{
		"":                       signIn,
		"identity":               signIn,
		"gzip":                   "gz of sign in",
		"gzip, deflate, br":      "br of sign in",
		"GZIP;q=1.0, br;q=0":     "gz of sign in",
		"br;q=NaN, gzip;q=wrong": signIn,
		"*":                      signIn,
		"brotli, gzipped":        signIn,
	} {
		w := get(t, "/sign-in", "Accept-Encoding", accepted)
		if w.Body.String() != want {
			t.Errorf("Accept-Encoding %q gives %q, want %q", accepted, w.Body, want)
		}
		if w.Header().Get("Vary") != "Accept-Encoding, Accept-Language" {
			t.Errorf("Accept-Encoding %q: Vary %q", accepted, w.Header().Get("Vary"))
		}
	}
}

func TestAnswer_codingsOfOneFileHaveTagsOfTheirOwn(t *testing.T) {
	t.Parallel()
	tags := map[string]string{}
	for _, accepted := range []string{"", "gzip", "br"} {
		w := get(t, "/sign-in", "Accept-Encoding", accepted)
		tag := w.Header().Get("ETag")
		if other, taken := tags[tag]; taken {
			t.Errorf("%q and %q share the tag %s", accepted, other, tag)
		}
		tags[tag] = accepted
	}
}

func TestAnswer_whatTheClientHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	tag := get(t, "/sign-in", "Accept-Encoding", "br").Header().Get("ETag")
	for _, known := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		w := get(t, "/sign-in", "Accept-Encoding", "br", "If-None-Match", known)
		if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Errorf("If-None-Match %s: got %d with %d bytes", known, w.Code, w.Body.Len())
		}
		if w.Header().Get("ETag") != tag || w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("If-None-Match %s: the tag or the policy is missing", known)
		}
	}
	if w := get(t, "/sign-in", "Accept-Encoding", "gzip", "If-None-Match", tag); w.Code != http.StatusOK {
		t.Errorf("another coding's tag gives %d", w.Code)
	}
}

func TestAnswer_aPageComesInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	for wanted, want := range map[string]string{
		"":                                signIn,
		"en-GB,en;q=0.9,de;q=0.8":         signIn,
		"de-AT,de;q=0.9,en;q=0.8":         german,
		"fr-CH, fr;q=0.9, de;q=0.5, *":    german,
		"fr":                              signIn,
		"*":                               signIn,
		"de;q=0, en;q=0.1":                signIn,
		"en, de":                          signIn,
		"de, en":                          german,
		"dev, den;q=0.9":                  signIn,
		strings.Repeat("xx,", 100) + "de": signIn, // nobody reads that far
	} {
		w := get(t, "/sign-in", "Accept-Language", wanted)
		if w.Body.String() != want {
			t.Errorf("Accept-Language %.40q gives %q", wanted, w.Body)
		}
	}
	if got := get(t, "/", "Accept-Language", "de").Header().Get("Content-Language"); got != "de" {
		t.Errorf("Content-Language of the German start page is %q", got)
	}
}

// GW-19
func TestAnswer_aPageBringsItsOwnPolicyAndMayNotBeFramed(t *testing.T) {
	t.Parallel()
	english := get(t, "/sign-in").Header().Get("Content-Security-Policy")
	if english != "default-src 'none'; script-src 'self' 'sha256-abc='; frame-ancestors 'none'; report-uri /csp-reports" {
		t.Errorf("policy of the English page: %q", english)
	}
	other := get(t, "/sign-in", "Accept-Language", "de").Header().Get("Content-Security-Policy")
	if !strings.Contains(other, "sha256-def=") || strings.Contains(other, "sha256-abc=") {
		t.Errorf("policy of the German page: %q", other)
	}
}

func TestAnswer_aPageWithoutPolicyMayDoNothing(t *testing.T) {
	t.Parallel()
	got := get(t, "/files", "Sec-Fetch-Mode", "navigate").Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(got, "default-src 'none'; ") || !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("policy of a shell that names none: %q", got)
	}
}

func TestAnswer_withoutABuildSaysWhatToDo(t *testing.T) {
	t.Parallel()
	unfinished := build()
	delete(unfinished, "200.html")
	for name, from := range map[string]fs.FS{
		"an empty folder":    fstest.MapFS{".gitkeep": {}},
		"half a build":       unfinished,
		"a folder not there": fstest.MapFS{},
	} {
		_, err := ask(t, from, http.MethodGet, "/sign-in")
		var p *problem.Problem
		if !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable || !strings.Contains(p.Message, "make web") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswer_aNewBuildIsTakenUp(t *testing.T) {
	t.Parallel()
	folder := build()
	live := site.NewLive(folder)
	body := func() string {
		w := httptest.NewRecorder()
		if err := live.Answer(w, httptest.NewRequest(http.MethodGet, "/sign-in", nil)); err != nil {
			t.Fatal(err)
		}
		return w.Body.String()
	}
	if body() != signIn {
		t.Fatal("the first build is not served")
	}
	folder["sign-in.html"].Data = []byte("new")
	if got := body(); got != signIn {
		t.Errorf("served %q before the build was done", got)
	}
	index, shell := folder["index.html"], folder["200.html"]
	delete(folder, "index.html")
	if got := body(); got != signIn {
		t.Errorf("served %q while there was no build", got)
	}
	index.ModTime = time.Unix(2, 0)
	folder["index.html"] = index
	delete(folder, "200.html")
	if got := body(); got != signIn {
		t.Errorf("served %q while the build was not whole", got)
	}
	folder["200.html"] = shell
	if got := body(); got != "new" {
		t.Errorf("served %q after the build was done", got)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add("/sign-in/", "br;q=0.5,gzip", "de-AT,de;q=0.9")
	f.Add("/%2e%2e/x", "*;q=", ";;;,")
	live := site.NewLive(build())
	f.Fuzz(func(t *testing.T, target, encoding, language string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = "/" + strings.TrimPrefix(target, "/")
		r.Header = http.Header{"Accept-Encoding": {encoding}, "Accept-Language": {language}, "Sec-Fetch-Mode": {"navigate"}}
		w := httptest.NewRecorder()
		if err := live.Answer(w, r); err != nil {
			if !errors.Is(err, problem.NotFound) {
				t.Fatalf("%v", err)
			}
			return
		}
		if at := w.Header().Get("Location"); strings.HasPrefix(at, "//") || strings.HasPrefix(at, `/\`) || strings.Contains(at, ":") {
			t.Errorf("leads away: %q", at)
		}
		if w.Code == http.StatusOK && w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
			t.Errorf("Content-Length %s of %d bytes", w.Header().Get("Content-Length"), w.Body.Len())
		}
	})
}
