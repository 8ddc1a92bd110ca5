package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/codex-platform/codex/pkg/security"
)

// hashCost is the CPU time of checking one password with the default cost.
func hashCost(ctx context.Context, many int) (time.Duration, error) {
	hasher, password := security.NewHasher(security.HashParams{}), secret()
	hash, err := hasher.Hash(ctx, password)
	if err != nil {
		return 0, err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(1000)) // collections are not the hash's
	began := ownCPU()
	for range many {
		if _, _, err := hasher.Verify(ctx, password, hash); err != nil {
			return 0, err
		}
	}
	return (ownCPU() - began) / time.Duration(many), nil
}

// ownCPU is the user and system time of this process.
func ownCPU() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // of ourselves it does not fail
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// floodMemory is the container's limit that the flooded service is told.
const floodMemory = 256 // MiB

// flooding has a connection for everybody.
var flooding = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: 10 * time.Second}

// statusOf sends a request and gives its answer's status; 0 where there is none.
func statusOf(ctx context.Context, method, url, body string) int {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", "http://"+publicHost)
	answer, err := flooding.Do(request)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// flood lets 200 people sign in at once, again and again, and asks for the service's
// health and a session meanwhile.
func (a *authBench) flood(ctx context.Context) error {
	auth, err := a.serve(ctx, map[string]string{"GOMEMLIMIT": fmt.Sprintf("%dMiB", floodMemory*9/10)})
	if err != nil {
		return err
	}
	ctx, end := context.WithTimeout(ctx, a.length)
	defer end()
	var crowd sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for i := range 200 {
		crowd.Go(func() {
			for ctx.Err() == nil {
				if status := statusOf(ctx, http.MethodPost, auth.url+authPath+"/sign-in/email", fmt.Sprintf(`{"email":%q,"password":"not-the-password"}`, emailOf(i))); status != 0 {
					mu.Lock()
					answers[status]++
					mu.Unlock()
				}
			}
		})
	}
	var probes []time.Duration
	beat := time.NewTicker(25 * time.Millisecond)
	defer beat.Stop()
	for ctx.Err() == nil {
		began := time.Now()
		if statusOf(ctx, http.MethodGet, auth.private+"/livez", "") == http.StatusOK && statusOf(ctx, http.MethodGet, auth.url+authPath+"/get-session", "") == http.StatusOK {
			probes = append(probes, time.Since(began))
		}
		<-beat.C
	}
	crowd.Wait()
	slices.Sort(probes)
	fmt.Printf("  200 sign in at once: answers by status %v; %d probes of health and session, p50 %s\n", answers, len(probes), percentile(probes, 0.5).Round(time.Millisecond))
	verdict("p99 of a probe of both meanwhile", percentile(probes, 0.99).Seconds()*1000, "ms", 250, "")
	verdict("most memory of the service", peakMiB(auth.Pid()), "MiB", floodMemory, "")
	return nil
}
