package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/codex-platform/codex/pkg/objectstore"
)

// A file of any length takes the memory of two parts, on its way in and on its
// way out. The test is not parallel: it measures the whole process.
func TestStream_memoryIsFlat(t *testing.T) {
	const size = 256 << 20
	w := newWorld(t, func(s *settings) { s.DefaultQuota, s.MaxFile = 2<<30, 1<<30 })
	ada := w.as("ada")
	ada.upload("warm.txt", "x")
	for name, body := range map[string]io.Reader{"declared": zeros(size), "chunked": zeros(size)} {
		peak := watchHeap()
		began := time.Now()
		id := uuid.NewString()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.url+putAt(id, name), body)
		if err != nil {
			t.Fatal(err)
		}
		if name == "declared" {
			r.ContentLength = size
		}
		r.Header.Set("Authorization", "Bearer "+ada.token)
		in, err := http.DefaultClient.Do(r)
		if err != nil || in.StatusCode != http.StatusCreated {
			t.Fatal(in, err)
		}
		in.Body.Close()
		uploaded := time.Since(began)

		began = time.Now()
		out, err := ada.open(contentOf(id))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, out.Body)
		out.Body.Close()
		if err != nil || n != size {
			t.Fatalf("%d bytes came back: %v", n, err)
		}
		grown := peak()
		t.Logf("%s: %d MiB in at %.0f MiB/s, out at %.0f MiB/s, heap grew by %d MiB at most",
			name, size>>20, rate(size, uploaded), rate(size, time.Since(began)), grown>>20)
		// Two parts and what the collector has not come to yet; the file is far more.
		if limit := int64(10 * objectstore.PartSize); grown > limit {
			t.Errorf("%s: the heap grew by %d MiB", name, grown>>20)
		}
	}
	w.settled()
}

func rate(size int64, took time.Duration) float64 {
	return float64(size) / (1 << 20) / took.Seconds()
}

// open starts a download.
func (c client) open(path string) (*http.Response, error) {
	r, err := http.NewRequest(http.MethodGet, c.w.url+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	return http.DefaultClient.Do(r)
}

// watchHeap samples the bytes in objects, dead ones included, until it is asked
// by how much they have grown at most.
func watchHeap() (peak func() int64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() int64 { metrics.Read(sample); return int64(sample[0].Value.Uint64()) }
	start, highest := read(), int64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				highest = max(highest, read())
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-stopped
		return highest - start
	}
}

// A file is deleted while somebody downloads it, or replaced: he gets all of the
// old bytes or a broken connection, never a mixture.
func TestStream_replacedOnTheWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	id := uuid.NewString()
	const size = 16 << 20
	ada.do(http.MethodPut, putAt(id, "a.dat"), declared(size)).file(t, http.StatusCreated)
	out, err := ada.open(contentOf(id))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	ada.do(http.MethodPut, putAt(id, "a.dat"), zeros(size)).file(t, http.StatusOK)
	w.settled()
	got, err := io.ReadAll(out.Body)
	want, _ := io.ReadAll(pattern(size))
	if !bytes.Equal(got, want[:len(got)]) || err == nil && len(got) != size {
		t.Errorf("%d other bytes than those of the file, err %v", len(got), err)
	}
}

// BenchmarkUpload is the whole way of an upload, against a real database and a
// real store: go test -bench Upload -benchtime 20x
func BenchmarkUpload(b *testing.B) {
	for _, size := range []int64{1 << 10, 1 << 20, 32 << 20, 128 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			w := newWorld(b, func(s *settings) { s.DefaultQuota, s.MaxFile = 1<<40, 1<<30 })
			ada := w.as("ada")
			id := uuid.NewString()
			b.SetBytes(size)
			for b.Loop() {
				r, err := http.NewRequest(http.MethodPut, w.url+putAt(id, "a.dat"), zeros(size))
				if err != nil {
					b.Fatal(err)
				}
				r.ContentLength = size
				r.Header.Set("Authorization", "Bearer "+ada.token)
				res, err := http.DefaultClient.Do(r)
				if err != nil || res.StatusCode >= 300 {
					b.Fatal(res, err)
				}
				res.Body.Close()
			}
		})
	}
}
