package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestUpload_thenEverythingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")

	made := ada.do(http.MethodPost, named("notes.txt"), text("hello"), "Content-Type", "text/plain")
	f := made.file(t, http.StatusCreated)
	sum := sha256.Sum256([]byte("hello"))
	if f.Name != "notes.txt" || f.Size != 5 || f.ContentType != "text/plain; charset=utf-8" || f.SHA256 != hex.EncodeToString(sum[:]) {
		t.Fatalf("file = %+v", f)
	}
	if made.header.Get("Location") != filesPath+"/"+f.ID || made.header.Get("ETag") != f.ETag {
		t.Fatalf("headers = %v", made.header)
	}

	if got := ada.do(http.MethodGet, filesPath+"/"+f.ID, nil).file(t, http.StatusOK); got != f {
		t.Fatalf("get = %+v, want %+v", got, f)
	}
	if got := ada.do(http.MethodGet, contentOf(f.ID), nil); got.status != http.StatusOK || string(got.body) != "hello" {
		t.Fatalf("content = %d %q", got.status, got.body)
	}
	renamed := ada.do(http.MethodPatch, filesPath+"/"+f.ID, text(`{"name":"other.md"}`), "Content-Type", "application/json").file(t, http.StatusOK)
	if renamed.Name != "other.md" || renamed.ETag != f.ETag {
		t.Fatalf("renamed = %+v", renamed)
	}
	if q := ada.quota(); q.Used != 5 || q.Files != 1 || q.Reserved != 0 || q.Limit != 64<<20 || q.Plan != "free" {
		t.Fatalf("quota = %+v", q)
	}
	if got := ada.do(http.MethodDelete, filesPath+"/"+f.ID, nil); got.status != http.StatusNoContent {
		t.Fatalf("delete = %d %s", got.status, got.body)
	}
	ada.do(http.MethodGet, filesPath+"/"+f.ID, nil).refused(t, http.StatusNotFound, "FILE_NOT_FOUND")
	ada.do(http.MethodDelete, filesPath+"/"+f.ID, nil).refused(t, http.StatusNotFound, "FILE_NOT_FOUND")
	if q := ada.quota(); q.Used != 0 || q.Files != 0 {
		t.Fatalf("quota = %+v", q)
	}
	w.settled()
}

func TestUpload_names(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	for sent, kept := range map[string]string{
		"..%2F..%2Fetc%2Fpasswd":          "passwd",
		`..%5C..%5Cboot.ini`:              "boot.ini",
		"a%00b":                           "ab",
		"con":                             "con",
		"invoice%E2%80%AEgpj.js":          "invoicegpj.js",
		"re%CC%81sume%CC%81":              "résumé",
		strings.Repeat("x", 300) + ".txt": strings.Repeat("x", 251) + ".txt",
	} {
		if f := ada.do(http.MethodPost, named(sent), text("x")).file(t, http.StatusCreated); f.Name != kept {
			t.Errorf("name %q was kept as %q, want %q", sent, f.Name, kept)
		}
	}
	for _, sent := range []string{"", "..", "%20", "%00"} {
		ada.do(http.MethodPost, named(sent), text("x")).refused(t, http.StatusUnprocessableEntity, "VALIDATION_FAILED")
	}
	for key := range w.keysOfObjects() {
		if len(key) != len("b/00/")+36 {
			t.Errorf("key %q was not made by us", key)
		}
	}
}

func TestUpload_nameIsUniqueForEachOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.as("ada"), w.as("bob")
	ada.upload("a.txt", "1")
	bob.upload("a.txt", "2")
	b := ada.upload("b.txt", "3")
	ada.do(http.MethodPost, named("a.txt"), text("4")).refused(t, http.StatusConflict, "NAME_TAKEN")
	ada.do(http.MethodPatch, filesPath+"/"+b.ID, text(`{"name":"a.txt"}`), "Content-Type", "application/json").
		refused(t, http.StatusConflict, "NAME_TAKEN")
	ada.do(http.MethodPut, putAt(b.ID, "a.txt"), text("5")).refused(t, http.StatusConflict, "NAME_TAKEN")
	w.settled()
}

// Somebody else's file and one that does not exist are the same, whatever is asked (STO-01).
func TestForeignFile_isUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.as("ada").upload("a.txt", "hers")
	bob := w.as("bob")
	for _, id := range []string{f.ID, uuid.NewString(), "no-uuid", strings.ToUpper(f.ID), "{" + f.ID + "}"} {
		for _, ask := range []func(client) answer{
			func(c client) answer { return c.do(http.MethodGet, filesPath+"/"+id, nil) },
			func(c client) answer { return c.do(http.MethodGet, contentOf(id), nil) },
			func(c client) answer { return c.do(http.MethodDelete, filesPath+"/"+id, nil) },
			func(c client) answer {
				return c.do(http.MethodPatch, filesPath+"/"+id, text(`{"name":"b.txt"}`), "Content-Type", "application/json")
			},
		} {
			ask(bob).refused(t, http.StatusNotFound, "FILE_NOT_FOUND")
		}
		if got := bob.do(http.MethodHead, contentOf(id), nil); got.status != http.StatusNotFound {
			t.Errorf("HEAD = %d", got.status)
		}
	}
	bob.do(http.MethodPut, putAt(f.ID, "b.txt"), text("his")).refused(t, http.StatusNotFound, "FILE_NOT_FOUND")
	if got := w.as("ada").do(http.MethodGet, contentOf(f.ID), nil); string(got.body) != "hers" {
		t.Fatalf("her file is now %q", got.body)
	}
	w.settled()
}

func TestIdentity_isNeeded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []client{w.asNobody(), w.asService(), {w, w.token("ada") + "x"}} {
		for _, path := range []string{filesPath, quotaPath, filesPath + "/" + uuid.NewString(), contentOf(uuid.NewString())} {
			if got := c.do(http.MethodGet, path, nil); got.status != http.StatusUnauthorized {
				t.Errorf("GET %s = %d", path, got.status)
			}
		}
		if got := c.do(http.MethodPost, named("a"), text("x")); got.status != http.StatusUnauthorized {
			t.Errorf("POST = %d", got.status)
		}
	}
	for _, c := range []client{w.asNobody(), w.as("ada")} {
		if got := c.do(http.MethodDelete, "/internal/v1/users/ada", nil); got.status != http.StatusUnauthorized {
			t.Errorf("internal = %d", got.status)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	for _, name := range []string{"c", "a", "e", "b", "d"} {
		ada.upload(name, name)
	}
	w.as("bob").upload("bobs", "x")

	for sort, want := range map[string]string{"": "d b e a c", "&sort=created": "d b e a c", "&sort=name": "a b c d e"} {
		var got []string
		cursor := ""
		for page := 0; ; page++ {
			var list struct {
				Items []struct{ Name string } `json:"items"`
				Next  *string                 `json:"next_cursor"`
			}
			ada.do(http.MethodGet, filesPath+"?limit=2"+sort+cursor, nil).decode(t, http.StatusOK, &list)
			for _, f := range list.Items {
				got = append(got, f.Name)
			}
			if page == 0 {
				// What comes and goes does not shift the pages.
				extra := ada.upload("zz", "x")
				ada.do(http.MethodDelete, filesPath+"/"+extra.ID, nil)
			}
			if list.Next == nil {
				break
			}
			cursor = "&cursor=" + *list.Next
		}
		if strings.Join(got, " ") != want {
			t.Errorf("list%s = %v, want %s", sort, got, want)
		}
	}
}

func TestList_refusesWhatItDidNotGive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	ada.upload("a", "x")
	ada.upload("b", "x")
	var list struct {
		Next string `json:"next_cursor"`
	}
	ada.do(http.MethodGet, filesPath+"?limit=1", nil).decode(t, http.StatusOK, &list)
	for _, query := range []string{
		"cursor=nonsense", "cursor=" + strings.Repeat("A", 2000), "cursor=" + list.Next + "&sort=name",
		"limit=0", "limit=201", "limit=x", "sort=size",
	} {
		ada.do(http.MethodGet, filesPath+"?"+query, nil).refused(t, http.StatusUnprocessableEntity, "VALIDATION_FAILED")
	}
	if got := w.as("nobody-yet").do(http.MethodGet, filesPath, nil); string(got.body) != `{"items":[],"next_cursor":null}`+"\n" {
		t.Errorf("empty list = %s", got.body)
	}
}

func TestRename_keepsTheKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	f := ada.upload("page.html", "<!DOCTYPE html><p>hello")
	ada.do(http.MethodPatch, filesPath+"/"+f.ID, text(`{"name":"page.png"}`), "Content-Type", "application/json").
		refused(t, http.StatusUnsupportedMediaType, "TYPE_NOT_ALLOWED")
	ada.do(http.MethodPatch, filesPath+"/"+f.ID, text(`{"name":"x","name":"y"}`), "Content-Type", "application/json").
		refused(t, http.StatusBadRequest, "MALFORMED_REQUEST")
	ada.do(http.MethodPatch, filesPath+"/"+f.ID, text(`{"name":"x","size":1}`), "Content-Type", "application/json").
		refused(t, http.StatusUnprocessableEntity, "VALIDATION_FAILED")
	ada.do(http.MethodPatch, filesPath+"/"+f.ID, text(`{"name":"x"}`), "Content-Type", "text/plain").
		refused(t, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
}

func TestChanges_honourConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	f := ada.upload("a.txt", "one")
	stale := `"00000000000000000000000000000000"`
	for _, ask := range []func() answer{
		func() answer { return ada.do(http.MethodPut, putAt(f.ID, "a.txt"), text("x"), "If-Match", stale) },
		func() answer { return ada.do(http.MethodPut, putAt(f.ID, "a.txt"), text("x"), "If-None-Match", "*") },
		func() answer {
			return ada.do(http.MethodPut, putAt(uuid.NewString(), "b.txt"), text("x"), "If-Match", "*")
		},
		func() answer { return ada.do(http.MethodDelete, filesPath+"/"+f.ID, nil, "If-Match", stale) },
		func() answer {
			return ada.do(http.MethodPatch, filesPath+"/"+f.ID, text(`{"name":"b"}`), "If-Match", stale, "Content-Type", "application/json")
		},
	} {
		ask().refused(t, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
	}
	second := ada.do(http.MethodPut, putAt(f.ID, "a.txt"), text("two"), "If-Match", f.ETag).file(t, http.StatusOK)
	if second.ETag == f.ETag || second.CreatedAt != f.CreatedAt {
		t.Fatalf("second = %+v", second)
	}
	ada.do(http.MethodPut, putAt(f.ID, "a.txt"), text("three"), "If-Match", f.ETag).refused(t, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
	if got := ada.do(http.MethodDelete, filesPath+"/"+f.ID, nil, "If-Match", second.ETag); got.status != http.StatusNoContent {
		t.Fatalf("delete = %d", got.status)
	}
	w.settled()
}
