package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/pprof/profile"
)

// writeProfile puts the gateway's CPU profile under the benchmark's load where the
// compiler looks for it: the next build is arranged for the hot path.
func writeProfile(ctx context.Context, b *bench) error {
	w, err := b.gateways(ctx)
	if err != nil {
		return err
	}
	gateway, err := w.ours(ctx, map[string]string{"PPROF": "true"})
	if err != nil {
		return err
	}
	pressed := make(chan error, 1)
	go func() {
		_, err := b.press(ctx, gateway.url+checkedPath, w.up.host, w.headers)
		pressed <- err
	}()
	out := filepath.Join(b.root, "services", "gateway", "default.pgo")
	err = fetch(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%.0f", gateway.private, b.length.Seconds()), out)
	if err := errors.Join(err, <-pressed); err != nil {
		return err
	}
	fmt.Println("  wrote", out)
	return nil
}

// fetch saves a profile without the names of files on this machine.
func fetch(ctx context.Context, url, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, answer.Status)
	}
	seen, err := profile.ParseData(body)
	if err != nil {
		return err
	}
	for _, m := range seen.Mapping {
		m.File = "gateway" // where it was built is nobody's business
	}
	var out bytes.Buffer
	if err := seen.Write(&out); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
