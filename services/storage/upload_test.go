package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/codex-platform/codex/pkg/objectstore"
)

// Lengths around every boundary of the way to the store arrive whole, with and
// without a declared length.
func TestUpload_everyLength(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.DefaultQuota, s.MaxFile = 1<<30, 1<<30 })
	ada := w.as("ada")
	part := int64(objectstore.PartSize)
	for _, size := range []int64{0, 1, 3071, 3072, 3073, 64<<10 - 1, 64 << 10, 64<<10 + 1, part - 1, part, part + 1, 2*part + 7} {
		want := sha256.New()
		if _, err := io.Copy(want, pattern(size)); err != nil {
			t.Fatal(err)
		}
		for kind, body := range map[string]io.Reader{"declared": declared(size), "chunked": oneByte(pattern(size))} {
			name := fmt.Sprintf("%s-%d.dat", kind, size)
			f := ada.do(http.MethodPost, named(name), body).file(t, http.StatusCreated)
			if f.Size != size || f.SHA256 != hex.EncodeToString(want.Sum(nil)) {
				t.Errorf("%s: kept %d bytes with sum %s", name, f.Size, f.SHA256)
			}
			got := ada.do(http.MethodGet, contentOf(f.ID), nil)
			if sum := sha256.Sum256(got.body); got.status != http.StatusOK || hex.EncodeToString(sum[:]) != f.SHA256 {
				t.Errorf("%s: came back as %d bytes, %d", name, len(got.body), got.status)
			}
		}
	}
	w.settled()
}

// declared is a body whose length the client knows.
func declared(size int64) io.Reader {
	var b bytes.Buffer
	_, _ = io.Copy(&b, pattern(size))
	return bytes.NewReader(b.Bytes())
}

// pattern is noise that is the same every time, and not text.
func pattern(size int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{1}), size)
}

func TestUpload_kindMustAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	page := "<!DOCTYPE html><script>alert(1)</script>"
	for _, ask := range []answer{
		ada.do(http.MethodPost, named("a.png"), text(page), "Content-Type", "image/png"),
		ada.do(http.MethodPost, named("a.png"), text(page)),
		ada.do(http.MethodPost, named("a"), text(page), "Content-Type", "image/png"),
		ada.do(http.MethodPost, named("a.png"), oneByte(text(page))),
		ada.do(http.MethodPost, named("a.png"), text("")),
		ada.do(http.MethodPut, putAt(uuid.NewString(), "a.pdf"), text("MZ\x90\x00\x03")),
	} {
		ask.refused(t, http.StatusUnsupportedMediaType, "TYPE_NOT_ALLOWED")
	}
	if f := ada.do(http.MethodPost, named("empty.txt"), text("")).file(t, http.StatusCreated); f.Size != 0 {
		t.Errorf("empty = %+v", f)
	}
	w.settled()
}

// A picture that can run something is refused wherever that stands in it (STO-03).
func TestUpload_activePicture(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	early := `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
	late := `<svg xmlns="http://www.w3.org/2000/svg">` + strings.Repeat("<g/>", 1<<18) + `<script/></svg>`
	for _, picture := range []string{early, late} {
		ada.do(http.MethodPost, named("a.svg"), text(picture), "Content-Type", "image/svg+xml").refused(t, http.StatusUnsupportedMediaType, "ACTIVE_CONTENT")
		ada.do(http.MethodPost, named("a.svg"), oneByte(text(picture))).refused(t, http.StatusUnsupportedMediaType, "ACTIVE_CONTENT")
	}
	ada.do(http.MethodPost, named("a.svg"), text(`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`)).file(t, http.StatusCreated)
	w.settled()
}

// What arrives counts, not what was declared, and nothing of a refused upload is left (STO-05).
func TestUpload_tooLarge(t *testing.T) {
	t.Parallel()
	const limit = 20 << 20
	w := newWorld(t, func(s *settings) { s.MaxFile = limit })
	ada := w.as("ada")
	ada.do(http.MethodPost, named("a.dat"), declared(limit+1)).refused(t, http.StatusRequestEntityTooLarge, "FILE_TOO_LARGE")
	ada.do(http.MethodPost, named("a.dat"), oneByte(pattern(limit+1))).refused(t, http.StatusRequestEntityTooLarge, "FILE_TOO_LARGE")
	ada.do(http.MethodPost, named("a.dat"), oneByte(pattern(limit))).file(t, http.StatusCreated)
	if q := ada.quota(); q.Used != limit || q.Reserved != 0 || q.Files != 1 {
		t.Errorf("quota = %+v", q)
	}
	w.settled()
}

// A connection that breaks in the middle leaves no object, no row, no quota use,
// however the length was declared and however much had arrived.
func TestUpload_cutShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.DefaultQuota, s.MaxFile = 1<<30, 1<<30 })
	ada := w.as("ada")
	for name, tc := range map[string]struct {
		size    int64
		chunked bool
	}{
		"small":                  {1000, false},
		"in one request":         {4 << 20, false},
		"in parts":               {100 << 20, false},
		"small, chunked":         {1000, true},
		"in parts, chunked":      {40 << 20, true},
		"within a part, chunked": {6 << 20, true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, closing := range []string{"half", "whole"} {
				status, code := ada.cut(http.MethodPost, named("cut.dat"), tc.size, tc.size/2, tc.chunked, closing == "half")
				if closing == "half" && (status != http.StatusBadRequest || code != "BODY_TRUNCATED") {
					t.Errorf("answer %d %s", status, code)
				}
			}
		})
	}
	w.settled()
	if q := ada.quota(); q.Used != 0 || q.Reserved != 0 || q.Files != 0 {
		t.Errorf("quota = %+v", q)
	}
	ada.upload("cut.dat", "the name is free")
}

// cut declares size bytes, sends only some of them and closes its side of the
// connection, or all of it. It gives the status and code of the answer, if it
// waits for one.
func (c client) cut(method, path string, size, sent int64, chunked, half bool) (status int, code string) {
	c.w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.w.url, "http://"))
	if err != nil {
		c.w.t.Fatal(err)
	}
	defer conn.Close()
	framing := fmt.Sprintf("Content-Length: %d", size)
	if chunked {
		framing = "Transfer-Encoding: chunked"
	}
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n", method, path, c.token, framing)
	if chunked {
		fmt.Fprintf(conn, "%x\r\n", size)
	}
	_, _ = io.Copy(conn, pattern(sent)) // fails where the service refuses early
	if !half {
		// Both ends of it are waited for: a connection that is closed tells nobody when it was noticed.
		c.w.eventually(func() bool { return c.w.openUploads() > 0 }, func() string { return "the upload has not begun" })
		conn.Close()
		c.w.eventually(func() bool { return c.w.openUploads() == 0 }, func() string { return "the upload has not ended" })
		return 0, ""
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		c.w.t.Fatal(err)
	}
	defer res.Body.Close()
	var problem struct{ Code string }
	if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
		c.w.t.Fatal(err)
	}
	return res.StatusCode, problem.Code
}

// A client that makes up the id can send its upload again when the answer got lost.
func TestPut_isIdempotent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	id := uuid.NewString()
	first := ada.do(http.MethodPut, putAt(id, "a.txt"), text("same"))
	f := first.file(t, http.StatusCreated)
	if f.ID != id || first.header.Get("Location") != filesPath+"/"+id {
		t.Fatalf("file = %+v", f)
	}
	for range 3 {
		again := ada.do(http.MethodPut, putAt(id, "a.txt"), text("same")).file(t, http.StatusOK)
		if again.ETag != f.ETag || again.Size != 4 {
			t.Fatalf("again = %+v", again)
		}
	}
	// Without a name the file keeps its own; with one it is renamed as well.
	if got := ada.do(http.MethodPut, filesPath+"/"+id, text("longer than before")).file(t, http.StatusOK); got.Name != "a.txt" {
		t.Errorf("name = %q", got.Name)
	}
	if got := ada.do(http.MethodPut, putAt(id, "b.txt"), text("x")).file(t, http.StatusOK); got.Name != "b.txt" {
		t.Errorf("name = %q", got.Name)
	}
	if q := ada.quota(); q.Used != 1 || q.Files != 1 || q.Reserved != 0 {
		t.Errorf("quota = %+v", q)
	}
	ada.do(http.MethodPut, filesPath+"/"+uuid.NewString(), text("x")).refused(t, http.StatusUnprocessableEntity, "VALIDATION_FAILED")
	ada.do(http.MethodPut, putAt("no-uuid", "c.txt"), text("x")).refused(t, http.StatusUnprocessableEntity, "VALIDATION_FAILED")
	w.settled()
}

// Parallel requests for one id are one file in the end, whoever wins.
func TestPut_race(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	id := uuid.NewString()
	results := make(chan int)
	for i := range 8 {
		go func() {
			got, err := ada.try(http.MethodPut, putAt(id, "a.txt"), text(strings.Repeat("x", i+1)))
			if err != nil {
				got.status = -1
			}
			results <- got.status
		}()
	}
	created := 0
	for range 8 {
		switch status := <-results; status {
		case http.StatusCreated:
			created++
		case http.StatusOK:
		default:
			t.Errorf("status %d", status)
		}
	}
	if created != 1 {
		t.Errorf("%d uploads made the file", created)
	}
	w.settled()
	if q := ada.quota(); q.Files != 1 || q.Used < 1 || q.Used > 8 {
		t.Errorf("quota = %+v", q)
	}
}

// Parallel uploads of one name: the database decides, exactly one is kept.
func TestUpload_nameRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	results := make(chan int)
	for range 8 {
		go func() {
			got, err := ada.try(http.MethodPost, named("a.txt"), text("x"))
			if err != nil {
				got.status = -1
			}
			results <- got.status
		}()
	}
	counts := map[int]int{}
	for range 8 {
		counts[<-results]++
	}
	if counts[http.StatusCreated] != 1 || counts[http.StatusConflict] != 7 {
		t.Errorf("statuses = %v", counts)
	}
	w.settled()
}

func TestUpload_refusedBeforeItsBytesAreSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	ada.upload("a.txt", "x")
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n",
		named("a.txt"), ada.token)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusConflict { // and not 100
		t.Errorf("status %d", res.StatusCode)
	}
	w.settled()
}
