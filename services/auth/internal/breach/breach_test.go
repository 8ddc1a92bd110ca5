package breach_test

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the form of the published lists
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/services/auth/internal/breach"
)

// AUTH-03: at least 3,000 frequent passwords come with the service.
func TestCommon_listIsLongSortedAndOfPasswordsThatCouldBeChosen(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("common.txt")
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Fields(string(text))
	if len(list) < 3000 || !slices.IsSorted(list) {
		t.Errorf("%d entries, sorted %v", len(list), slices.IsSorted(list))
	}
	for _, entry := range list {
		if len(entry) < 8 || entry != strings.ToLower(entry) {
			t.Fatalf("%q cannot be chosen, or is never found", entry)
		}
		if !breach.Common(entry) {
			t.Fatalf("%q is on the list and passes", entry)
		}
	}
}

func TestCommon(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]bool{
		"password123": true, "qwertyuiop": true, "12345678": true, "PassWord1": true, "p@ssw0rd!": true, "Summer2024!": true, "1qaz2wsx": true,
		"iloveyou": true, "xxxxxxxx": true, "Dr4g0n2019": true, "WELCOME1": true, "sunshine99": true, "20202020": true, "Passwort!1": true, "qwertz123": true,
		"correct-horse-battery-staple-9": false, "another-passphrase-1": false, "tr0ub4dor&3x": false, "        ": false, "🔑🔑🔑🔑🔑🔑🔑🔑": false,
		"dragon839205718234": false, "mountain-of-glass": false, "": false,
	} {
		if got := breach.Common(password); got != want {
			t.Errorf("Common(%q) = %v", password, got)
		}
	}
}

func TestPersonal(t *testing.T) {
	t.Parallel()
	about := []string{"ada.byron@mail.example.test", "Ada Lovelace", "Codex"}
	for password, want := range map[string]bool{
		"codexcodex": true, "Codex2026!": true, "adalovelace": true, "lovelace1815": true, "ada.byron@mail.example.test": true, "BYRON-1815": true,
		"lovelace plays chess": false, "an unrelated phrase": false, "12345678": false,
	} {
		if got := breach.Personal(password, about...); got != want {
			t.Errorf("Personal(%q) = %v", password, got)
		}
	}
}

func build(t *testing.T, list string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "leaked.filter")
	if _, err := (breach.Build{From: strings.NewReader(list), To: to, Report: func(int, int64) {}}).Run(); err != nil {
		t.Fatal(err)
	}
	return to
}

func open(t *testing.T, path string) *breach.Filter {
	t.Helper()
	f, err := breach.OpenFilter(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func sum(password string) string {
	return fmt.Sprintf("%X", sha1.Sum([]byte(password))) //nolint:gosec // the form of the published lists
}

// AUTH-03: a larger list can be mounted, as passwords, as hashes, or both.
func TestFilter_takesPasswordsAndHashes(t *testing.T) {
	t.Parallel()
	f := open(t, build(t, "hunter2-hunter2\r\n\n"+sum("leaked one")+":42\n"+strings.ToLower(sum("leaked two"))+"\nwith:colon\n"))
	if f.Entries() != 4 {
		t.Errorf("%d entries", f.Entries())
	}
	for password, want := range map[string]bool{"hunter2-hunter2": true, "leaked one": true, "leaked two": true, "with:colon": true, "Leaked one": false, "": false} {
		if got, err := f.Has(password); got != want || err != nil {
			t.Errorf("Has(%q) = %v, %v", password, got, err)
		}
	}
	if err := f.Check(func(int64) {}); err != nil {
		t.Error(err)
	}
}

func TestFilter_neverMissesAndSeldomErrs(t *testing.T) {
	t.Parallel()
	const n = 50_000
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "leaked-%d\n", i)
	}
	f := open(t, build(t, list.String()))
	wrong := 0
	for i := range n {
		if found, err := f.Has(fmt.Sprintf("leaked-%d", i)); !found || err != nil {
			t.Fatalf("entry %d: %v, %v", i, found, err)
		}
		if found, _ := f.Has(fmt.Sprintf("fresh-%d", i)); found {
			wrong++
		}
	}
	t.Logf("%d of %d other passwords are taken for leaked ones", wrong, n)
	if wrong > n/400 {
		t.Errorf("%d of %d are too many", wrong, n)
	}
}

func TestFilter_refusesWhatIsNone(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(build(t, "one\ntwo\n"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[9] ^= 1
	for name, content := range map[string][]byte{"empty": nil, "words": []byte("password\n"), "cut": whole[:len(whole)-1], "longer": append(bytes.Clone(whole), 0), "another header": flipped} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := breach.OpenFilter(path); err == nil || !strings.Contains(err.Error(), "auth breach build") {
			t.Errorf("%s: %v", name, err)
		}
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-1] ^= 1
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(t, path).Check(func(int64) {}); err == nil {
		t.Error("a changed bit is not found")
	}
}

func TestBuild_refusesAnEmptyList(t *testing.T) {
	t.Parallel()
	to := filepath.Join(t.TempDir(), "f")
	if _, err := (breach.Build{From: strings.NewReader("\n\n"), To: to, Report: func(int, int64) {}}).Run(); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file is left: %v", err)
	}
}

// service is a range service that knows one password.
func service(t *testing.T, answer http.HandlerFunc) *breach.Range {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return breach.NewRange(server.URL+"/range/", nil)
}

func TestRange_tellsFiveDigitsOnly(t *testing.T) {
	t.Parallel()
	leaked, padded := sum("a leaked phrase"), sum("a padded phrase")
	r := service(t, func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path) != len("/range/")+5 || r.Header.Get("Add-Padding") != "true" || r.URL.RawQuery != "" {
			t.Errorf("asked %s with %v", r.URL, r.Header)
		}
		fmt.Fprintf(w, "0018A45C4D1DEF81644B54AB7F969B88D65:3\r\n%s:7\r\n%s:0\r\n", leaked[5:], padded[5:])
	})
	for password, want := range map[string]bool{"a leaked phrase": true, "a padded phrase": false, "a fresh phrase": false} {
		if got, err := r.Has(t.Context(), password); got != want || err != nil {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
}

func TestLeaks_openOrClosedWhenNobodyCanTell(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	for name, answer := range map[string]http.HandlerFunc{
		"broken":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			line := []byte(strings.Repeat("0018A45C4D1DEF81644B54AB7F969B88D65:3\n", 1000))
			for range 100 {
				_, _ = w.Write(line)
			}
		},
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines bytes.Buffer
			leaks := breach.Leaks{Online: service(t, answer), Log: slog.New(slog.NewTextHandler(&lines, nil))}
			began := time.Now()
			if found, err := leaks.Has(t.Context(), "a phrase"); found || err != nil {
				t.Errorf("open: %v, %v", found, err)
			}
			leaks.Closed = true
			if _, err := leaks.Has(t.Context(), "a phrase"); !errors.Is(err, breach.ErrUnknown) {
				t.Errorf("closed: %v", err)
			}
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("took %v", took)
			}
			if strings.Contains(lines.String(), sum("a phrase")[:5]) {
				t.Errorf("the log holds the digits: %s", lines.String())
			}
		})
	}
}

func TestLeaks_endWithTheirCaller(t *testing.T) {
	t.Parallel()
	leaks := breach.Leaks{Online: service(t, func(http.ResponseWriter, *http.Request) {}), Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := leaks.Has(ctx, "a phrase"); !errors.Is(err, context.Canceled) {
		t.Errorf("Has = %v", err)
	}
}
