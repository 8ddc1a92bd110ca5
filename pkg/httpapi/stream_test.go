package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// unsized hides a reader's length, so that the request is sent in chunks.
type unsized struct{ io.Reader }

func newRequest(method, path string, body io.Reader) *http.Request {
	return httptest.NewRequest(method, path, body)
}

func TestStream_passesAnyTypeAndSize(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(nil) // whose other bodies may have 4 KiB
	server := httptest.NewServer(api)
	defer server.Close()
	const size = 3 << 20
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/upload", unsized{io.LimitReader(zeros{}, size)})
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "image/png")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if want := fmt.Sprintf(`{"bytes":%d,"type":"image/png"}`, size); strings.TrimSpace(string(body)) != want {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestStream_refusesABodyThatEndsEarly(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(nil)
	server := httptest.NewServer(api)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != httpapi.ErrTruncated.Status || !strings.Contains(string(body), httpapi.ErrTruncated.Code) {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
}

// The keep-alive connection is usable after a stream, and its deadline gone.
func TestStream_leavesTheConnectionUsable(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(nil)
	server := httptest.NewServer(api)
	defer server.Close()
	client := server.Client()
	for range 3 {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/upload", strings.NewReader("abc"))
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("status = %d", res.StatusCode)
		}
	}
}

func TestBody_underItsOwnNameIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("an input with a field `Body httpapi.Body` was accepted")
		}
	}()
	var b httpapi.Body
	b.Schema(nil)
	t.Error(errors.New("not reached"))
}

// A body that stops is given up, also one that nobody wanted to read: the client
// has its answer and the server its connection back (GW-11).
func TestBody_thatDoesNotComeHoldsNothing(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(func(c *httpapi.Config) { c.BodyIdle = 100 * time.Millisecond })
	httpapi.Register(api.Huma(), huma.Operation{OperationID: "quick", Method: http.MethodPost, Path: "/quick", BodyReadTimeout: 100 * time.Millisecond},
		func(_ context.Context, in *noteInput) (*noteOutput, error) { return &noteOutput{Body: in.Body}, nil })
	httpapi.Register(api.Huma(), httpapi.Streams(huma.Operation{OperationID: "unread", Method: http.MethodPut, Path: "/unread"}),
		func(context.Context, *uploadInput) (*struct{}, error) { return nil, errTaken })
	server := httptest.NewServer(api)
	defer server.Close()
	for head, want := range map[string]int{
		"PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc":                                 408,
		"POST /quick HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{": 408,
		"PUT /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc":                                 409,
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, head)
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		answers := bufio.NewReader(conn)
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Errorf("%.12s: %v", head, err)
			continue
		}
		if res.StatusCode != want {
			t.Errorf("%.12s: got %d", head, res.StatusCode)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if _, err := answers.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("%.12s: the connection stays open: %v", head, err)
		}
	}
}
