package objectstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/testkit"
)

func open(t *testing.T, s objectstore.Settings) *objectstore.Bucket {
	t.Helper()
	b, err := objectstore.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func noise(size int64) []byte {
	p := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{9}).Read(p)
	return p
}

// reader hides everything but Read, as a request's body does.
func reader(p []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(p)} }

func TestPut_thenGet(t *testing.T) {
	t.Parallel()
	b := open(t, testkit.S3(t))
	const part = objectstore.PartSize
	for _, size := range []int64{0, 1, 256 << 10, 256<<10 + 1, part - 1, part, part + 1, 3 * part, 65 << 20} {
		want := noise(size)
		for name, declared := range map[string]int64{"declared": size, "unknown": objectstore.Unknown} {
			key := fmt.Sprintf("b/%s/%d", name, size)
			put, err := b.Put(t.Context(), key, reader(want), declared, "text/x-test")
			if err != nil || put.Size != size {
				t.Fatalf("%s: Put = %+v, %v", key, put, err)
			}
			body, info, err := b.Get(t.Context(), key, nil)
			if err != nil {
				t.Fatalf("%s: Get: %v", key, err)
			}
			got, err := io.ReadAll(body)
			body.Close()
			if err != nil || !bytes.Equal(got, want) || info.Size != size || info.ContentType != "text/x-test" {
				t.Errorf("%s: %d bytes, %+v, %v", key, len(got), info, err)
			}
		}
	}
}

func TestGet_range(t *testing.T) {
	t.Parallel()
	b := open(t, testkit.S3(t))
	if _, err := b.Put(t.Context(), "k", strings.NewReader("0123456789"), 10, ""); err != nil {
		t.Fatal(err)
	}
	for want, part := range map[string]objectstore.ByteRange{"0": {First: 0, Last: 0}, "345": {First: 3, Last: 5}, "9": {First: 9, Last: 9}} {
		body, info, err := b.Get(t.Context(), "k", &part)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(body)
		body.Close()
		if string(got) != want || info.Size != 10 {
			t.Errorf("%v: %q of %d", part, got, info.Size)
		}
	}
	if _, _, err := b.Get(t.Context(), "k", &objectstore.ByteRange{First: 5, Last: 20}); err == nil {
		t.Error("a range beyond the end was answered as if it were whole")
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	s := testkit.S3(t)
	b := open(t, s)
	if _, _, err := b.Get(t.Context(), "none", nil); !errors.Is(err, objectstore.ErrNotFound) || objectstore.Unavailable(err) {
		t.Errorf("Get = %v", err)
	}
	if _, err := b.Head(t.Context(), "none"); !errors.Is(err, objectstore.ErrNotFound) {
		t.Errorf("Head = %v", err)
	}
	if err := b.Delete(t.Context(), "none"); err != nil {
		t.Errorf("Delete = %v", err)
	}
	if err := b.AbortMultipart(t.Context(), "none", "none"); err != nil {
		t.Errorf("AbortMultipart = %v", err)
	}
	if err := b.Ping(t.Context()); err != nil {
		t.Errorf("Ping = %v", err)
	}
	s.Bucket += "-none"
	other := open(t, s)
	if err := other.Ping(t.Context()); !errors.Is(err, objectstore.ErrNoBucket) {
		t.Errorf("Ping = %v", err)
	}
	if _, _, err := other.Get(t.Context(), "none", nil); !errors.Is(err, objectstore.ErrNoBucket) || objectstore.Unavailable(err) {
		t.Errorf("Get = %v", err)
	}
}

func TestRefusedKeys_areAWrongSettingAndNotAnAbsence(t *testing.T) {
	t.Parallel()
	s := testkit.S3(t)
	s.SecretKey = "not-the-secret"
	b := open(t, s)
	if err := b.Ping(t.Context()); err == nil || objectstore.Unavailable(err) {
		t.Errorf("Ping = %v", err)
	}
	if _, err := b.Put(t.Context(), "k", strings.NewReader("x"), 1, ""); err == nil || objectstore.Unavailable(err) {
		t.Errorf("Put = %v", err)
	}
}

var errSource = errors.New("the client hung up")

// failing gives n bytes and then fails, or ends.
type failing struct {
	n   int
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.n == 0 {
		return 0, f.err
	}
	n := min(len(p), f.n)
	f.n -= n
	return n, nil
}

// A source that fails leaves nothing, and is not taken for a fault of the store.
func TestPut_failingSource(t *testing.T) {
	t.Parallel()
	b := open(t, testkit.S3(t))
	const part = objectstore.PartSize
	for name, tc := range map[string]struct {
		size int64
		src  *failing
		want error
	}{
		"in memory, fails":        {1000, &failing{500, errSource}, errSource},
		"in memory, ends early":   {1000, &failing{500, io.EOF}, io.ErrUnexpectedEOF},
		"one request, fails":      {1 << 20, &failing{1 << 19, errSource}, errSource},
		"one request, ends early": {1 << 20, &failing{1 << 19, io.EOF}, io.ErrUnexpectedEOF},
		"parts, fails":            {80 << 20, &failing{20 << 20, errSource}, errSource},
		"parts, ends early":       {80 << 20, &failing{20 << 20, io.EOF}, io.ErrUnexpectedEOF},
		"unknown, fails at once":  {objectstore.Unknown, &failing{0, errSource}, errSource},
		"unknown, first part":     {objectstore.Unknown, &failing{1000, errSource}, errSource},
		"unknown, at a border":    {objectstore.Unknown, &failing{2 * part, errSource}, errSource},
		"unknown, later":          {objectstore.Unknown, &failing{3*part + 5, errSource}, errSource},
	} {
		_, err := b.Put(t.Context(), "b/"+strings.ReplaceAll(name, " ", "-"), tc.src, tc.size, "")
		var source *objectstore.SourceError
		if !errors.As(err, &source) || !errors.Is(err, tc.want) || objectstore.Unavailable(err) {
			t.Errorf("%s: Put = %v", name, err)
		}
	}
	nothingLeft(t, b)
}

func nothingLeft(t *testing.T, b *objectstore.Bucket) {
	t.Helper()
	for o, err := range b.List(t.Context(), "") {
		t.Errorf("left: object %s %v", o.Key, err)
	}
	for u, err := range b.ListMultipart(t.Context(), "") {
		t.Errorf("left: upload of %s %v", u.Key, err)
	}
}

func TestPut_readsNoMoreThanAgreed(t *testing.T) {
	t.Parallel()
	b := open(t, testkit.S3(t))
	src := strings.NewReader("0123456789")
	if _, err := b.Put(t.Context(), "k", src, 4, ""); err != nil {
		t.Fatal(err)
	}
	if src.Len() != 6 {
		t.Errorf("%d bytes left", src.Len())
	}
	if info, err := b.Head(t.Context(), "k"); err != nil || info.Size != 4 {
		t.Errorf("Head = %+v, %v", info, err)
	}
}

func TestPut_callerIsGone(t *testing.T) {
	t.Parallel()
	b := open(t, testkit.S3(t))
	ctx, cancel := context.WithCancel(t.Context())
	src := io.MultiReader(reader(noise(20<<20)), readerFunc(func([]byte) (int, error) { cancel(); return 0, ctx.Err() }))
	if _, err := b.Put(ctx, "k", src, objectstore.Unknown, ""); !errors.Is(err, context.Canceled) || objectstore.Unavailable(err) {
		t.Errorf("Put = %v", err)
	}
	nothingLeft(t, b)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestList(t *testing.T) {
	t.Parallel()
	b := open(t, testkit.S3(t))
	for _, key := range []string{"b/01/c", "b/00/a", "b/00/b", "x"} {
		if _, err := b.Put(t.Context(), key, strings.NewReader("x"), 1, ""); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for o, err := range b.List(t.Context(), "b/") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Key)
	}
	if strings.Join(got, " ") != "b/00/a b/00/b b/01/c" {
		t.Errorf("List = %v", got)
	}
	for range b.List(t.Context(), "b/") {
		break // a caller may have seen enough
	}
}

// proxied puts a proxy that may refuse requests before the store. The host of
// the signed request is kept, so signatures stay valid.
func proxied(t *testing.T, s objectstore.Settings, refuse func(r *http.Request) int) objectstore.Settings {
	t.Helper()
	target, err := url.Parse(s.Endpoint.String())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := refuse(r); status != 0 {
			w.WriteHeader(status)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.Endpoint = config.URL(server.URL)
	return s
}

// A part that the store refuses for a moment is sent again, from its buffer.
func TestPut_partIsSentAgain(t *testing.T) {
	t.Parallel()
	s := testkit.S3(t)
	var refused atomic.Int64
	b := open(t, proxied(t, s, func(r *http.Request) int {
		if r.URL.Query().Get("partNumber") == "2" && refused.Add(1) <= 2 {
			return http.StatusServiceUnavailable
		}
		return 0
	}))
	want := noise(20 << 20)
	if _, err := b.Put(t.Context(), "k", reader(want), objectstore.Unknown, ""); err != nil {
		t.Fatal(err)
	}
	body, _, err := open(t, s).Get(t.Context(), "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d other bytes came back: %v", len(got), err)
	}
}

// So is a small object.
func TestPut_smallIsSentAgain(t *testing.T) {
	t.Parallel()
	var refused atomic.Int64
	b := open(t, proxied(t, testkit.S3(t), func(r *http.Request) int {
		if r.Method == http.MethodPut && refused.Add(1) <= 2 {
			return http.StatusServiceUnavailable
		}
		return 0
	}))
	if _, err := b.Put(t.Context(), "k", reader([]byte("small")), 5, ""); err != nil {
		t.Fatal(err)
	}
	if info, err := b.Head(t.Context(), "k"); err != nil || info.Size != 5 {
		t.Errorf("Head = %+v, %v", info, err)
	}
}

func TestPut_storeFailsForGood(t *testing.T) {
	t.Parallel()
	s := testkit.S3(t)
	for name, refuse := range map[string]func(r *http.Request) bool{
		"one request": func(r *http.Request) bool { return r.Method == http.MethodPut && r.URL.RawQuery == "" },
		"beginning":   func(r *http.Request) bool { return r.URL.Query().Has("uploads") },
		"a part":      func(r *http.Request) bool { return r.URL.Query().Get("partNumber") == "2" },
		"the end":     func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, proxied(t, s, func(r *http.Request) int {
				if refuse(r) {
					return http.StatusServiceUnavailable
				}
				return 0
			}))
			size := int64(30 << 20)
			declared := objectstore.Unknown
			if name == "one request" {
				declared = size
			}
			if _, err := b.Put(t.Context(), "b/"+strings.ReplaceAll(name, " ", "-"), reader(noise(size)), declared, ""); !objectstore.Unavailable(err) {
				t.Errorf("Put = %v", err)
			}
		})
	}
}

// Many uploads share few buffers and all come to their end.
func TestPut_fewBuffers(t *testing.T) {
	t.Parallel()
	s := testkit.S3(t)
	s.PartBuffers = 1
	b := open(t, s)
	failed := make(chan error)
	for i := range 4 {
		go func() {
			_, err := b.Put(context.WithoutCancel(t.Context()), fmt.Sprint("k", i), reader(noise(20<<20)), objectstore.Unknown, "")
			failed <- err
		}()
	}
	for range 4 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

func TestDiscard_removesWhateverThereIs(t *testing.T) {
	t.Parallel()
	s := testkit.S3(t)
	b := open(t, s)
	// A process that dies leaves parts behind: nobody aborts them for it.
	dying := open(t, proxied(t, s, func(r *http.Request) int {
		if r.Method == http.MethodDelete || r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
			return http.StatusForbidden
		}
		return 0
	}))
	if _, err := dying.Put(t.Context(), "b/00/a", reader(noise(10<<20)), objectstore.Unknown, ""); err == nil {
		t.Fatal("the upload was finished")
	}
	if _, err := dying.Put(t.Context(), "b/00/ab", reader(noise(10<<20)), objectstore.Unknown, ""); err == nil {
		t.Fatal("the upload was finished")
	}
	if err := b.Discard(t.Context(), "b/00/a"); err != nil {
		t.Fatal(err)
	}
	var left []string
	for u, err := range b.ListMultipart(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, u.Key)
	}
	if strings.Join(left, " ") != "b/00/ab" {
		t.Errorf("left: %v", left)
	}
	if err := b.Discard(t.Context(), "b/00/ab"); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, b)
}

func TestStoreGone(t *testing.T) {
	t.Parallel()
	server := testkit.StartS3(t)
	b := open(t, server.Bucket())
	if _, err := b.Put(t.Context(), "k", strings.NewReader("x"), 1, ""); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	for name, call := range map[string]func() error{
		"ping":    func() error { return b.Ping(t.Context()) },
		"head":    func() error { _, err := b.Head(t.Context(), "k"); return err },
		"get":     func() error { _, _, err := b.Get(t.Context(), "k", nil); return err },
		"delete":  func() error { return b.Delete(t.Context(), "k") },
		"discard": func() error { return b.Discard(t.Context(), "k") },
		"put":     func() error { _, err := b.Put(t.Context(), "l", strings.NewReader("x"), 1, ""); return err },
		"parts":   func() error { _, err := b.Put(t.Context(), "l", reader(noise(20<<20)), -1, ""); return err },
	} {
		if err := call(); !objectstore.Unavailable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Start()
	if _, err := b.Head(t.Context(), "k"); err != nil {
		t.Errorf("after its return: %v", err)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]objectstore.Settings{
		"S3_PART_BUFFERS": {Endpoint: "http://127.0.0.1:9100", PartBuffers: 0},
		"S3_ENDPOINT":     {Endpoint: "http://127.0.0.1:9100/path", PartBuffers: 1},
	} {
		if faults := s.Validate(); len(faults) != 1 || faults[0].Name != name {
			t.Errorf("%s: %v", name, faults)
		}
	}
	if _, err := objectstore.Open(objectstore.Settings{Endpoint: "http://127.0.0.1:1", Bucket: "b", PartBuffers: 1}); err != nil {
		t.Errorf("Open needs the store: %v", err)
	}
}
