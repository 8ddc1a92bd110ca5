package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/stripetest"
)

// BenchmarkDelivery measures signed events over HTTP, from the first byte to the 200
// after the commit, with the work on them going on beside it.
func BenchmarkDelivery(b *testing.B) {
	w := newWorld(b)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range 32 {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				body := event(fmt.Sprint("evt_", n), 1_700_000_000+n, fmt.Sprint("cus_", n%500))
				body = append(body, strings.Repeat(" ", 1000)...)
				r, err := stripetest.NewRequest(w.url+hookPath, signing, time.Now(), body)
				if err != nil {
					b.Error(err)
					return
				}
				res, err := client.Do(r)
				if err != nil || res.StatusCode != http.StatusOK {
					b.Errorf("%v %v", res, err)
					return
				}
				res.Body.Close()
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acks/s")
}
