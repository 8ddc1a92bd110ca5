package e2e_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

type file struct {
	ID, Name, Sha256, Etag string
	Size                   int64
}

type quota struct {
	Used  int64 `json:"used_bytes"`
	Limit int64 `json:"limit_bytes"`
}

func quotaOf(t *testing.T, p *stack.Person) quota {
	t.Helper()
	var q quota
	p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil).JSON(t, &q)
	return q
}

func upload(t *testing.T, p *stack.Person, name string, content []byte) file {
	t.Helper()
	var f file
	p.Want(t, http.StatusCreated, http.MethodPost, "/api/storage/v1/files?name="+name, content).JSON(t, &f)
	return f
}

func TestAFileLivesThroughTheFrontDoor(t *testing.T) {
	t.Parallel()
	p := stack.SignedUp(t, stack.Get(t))
	content := make([]byte, 3<<20+17)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	f := upload(t, p, "data.bin", content)
	sum := sha256.Sum256(content)
	if f.Size != int64(len(content)) || f.Sha256 != hex.EncodeToString(sum[:]) {
		t.Errorf("stored %+v", f)
	}
	if q := quotaOf(t, p); q.Used != f.Size {
		t.Errorf("quota counts %d bytes of %d", q.Used, f.Size)
	}

	whole := p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/files/"+f.ID+"/content", nil)
	if !bytes.Equal(whole.Body, content) {
		t.Error("the bytes came back changed")
	}
	if whole.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(whole.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("download headers %v", whole.Header)
	}
	part := p.Do(t, http.MethodGet, "/api/storage/v1/files/"+f.ID+"/content", nil, "Range", "bytes=100-199")
	if part.Status != http.StatusPartialContent || !bytes.Equal(part.Body, content[100:200]) {
		t.Errorf("a range gives %d and %d bytes", part.Status, len(part.Body))
	}
	if same := p.Do(t, http.MethodGet, "/api/storage/v1/files/"+f.ID+"/content", nil, "If-None-Match", whole.Header.Get("ETag")); same.Status != http.StatusNotModified {
		t.Errorf("If-None-Match gives %d", same.Status)
	}

	var renamed file
	p.Want(t, http.StatusOK, http.MethodPatch, "/api/storage/v1/files/"+f.ID, map[string]string{"name": "renamed.bin"}).JSON(t, &renamed)
	if renamed.Name != "renamed.bin" {
		t.Errorf("renamed to %q", renamed.Name)
	}
	p.Want(t, http.StatusNoContent, http.MethodDelete, "/api/storage/v1/files/"+f.ID, nil)
	p.Want(t, http.StatusNotFound, http.MethodGet, "/api/storage/v1/files/"+f.ID+"/content", nil)
	if q := quotaOf(t, p); q.Used != 0 {
		t.Errorf("%d bytes are still counted", q.Used)
	}
}

func TestAnEmptyFileIsAFile(t *testing.T) {
	t.Parallel()
	p := stack.SignedUp(t, stack.Get(t))
	f := upload(t, p, "empty.txt", []byte{})
	if got := p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/files/"+f.ID+"/content", nil); f.Size != 0 || len(got.Body) != 0 {
		t.Errorf("%d bytes stored, %d came back", f.Size, len(got.Body))
	}
}

func TestListsGoOnByCursor(t *testing.T) {
	t.Parallel()
	p := stack.SignedUp(t, stack.Get(t))
	for _, name := range []string{"a.txt", "b.txt", "c.txt"} {
		upload(t, p, name, []byte(name))
	}
	var names []string
	for cursor := ""; ; {
		var page struct {
			Items []file
			Next  *string `json:"next_cursor"`
		}
		p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/files?sort=name&limit=2&cursor="+cursor, nil).JSON(t, &page)
		for _, f := range page.Items {
			names = append(names, f.Name)
		}
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	if strings.Join(names, " ") != "a.txt b.txt c.txt" {
		t.Errorf("listed %v", names)
	}
}

// STO-01: somebody else's file and one that does not exist answer alike.
func TestForeignFilesDoNotExist(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	owner, other := stack.SignedUp(t, dev), stack.SignedUp(t, dev)
	f := upload(t, owner, "private.txt", []byte("private"))
	for _, id := range []string{f.ID, "00000000-0000-4000-8000-000000000000"} {
		for method, target := range map[string]string{
			http.MethodGet: "/api/storage/v1/files/" + id, http.MethodHead: "/api/storage/v1/files/" + id + "/content",
			http.MethodDelete: "/api/storage/v1/files/" + id,
		} {
			other.Want(t, http.StatusNotFound, method, target, nil)
		}
		other.Want(t, http.StatusNotFound, http.MethodPatch, "/api/storage/v1/files/"+id, map[string]string{"name": "mine.txt"})
	}
	owner.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/files/"+f.ID, nil)
}
