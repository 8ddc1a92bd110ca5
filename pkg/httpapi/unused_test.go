package httpapi_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/httpapi"
)

func TestServe_doesNotWaitForConnectionsThatWereNeverUsed(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	addresses, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- httpapi.Serve(ctx, httpapi.ServeSettings{
			Addr: "127.0.0.1:0", PrivateAddr: "127.0.0.1:0", Drain: 20 * time.Second,
			Listening: func(public, _ net.Addr) { addresses <- public },
		}, http.NotFoundHandler(), http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	}()
	address := (<-addresses).String()
	early, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	// A request on a second connection proves that the first has been accepted.
	res, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	begin := time.Now()
	stop()
	if err := <-ended; err != nil || time.Since(begin) > 3*time.Second {
		t.Errorf("stopped after %s with %v", time.Since(begin), err)
	}
}
