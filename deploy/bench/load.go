package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

//go:embed wrk.lua
var wrkScript string

// load is what wrk saw and what the servers used meanwhile.
type load struct {
	requests  int
	failed    failures
	perSecond float64
	p50, p99  time.Duration
	cpu       []time.Duration // of each watched process with its children, a request
}

// failures are requests that failed, by what failed.
type failures struct{ connect, read, write, status, timeout int }

// press sends GETs from 64 connections for the bench's length and charges the
// CPU time of the watched processes to the requests. headers name a file with
// one header line for each request, sent in turn.
func (b *bench) press(ctx context.Context, url, host, headers string, watched ...int) (load, error) {
	script := b.path("wrk.lua")
	if err := os.WriteFile(script, []byte(wrkScript), 0o600); err != nil {
		return load{}, err
	}
	if _, err := wrk(ctx, script, url, host, headers, time.Second); err != nil { // warms both sides up
		return load{}, err
	}
	cpu := make([]time.Duration, len(watched))
	for i, pid := range watched {
		cpu[i] = -cpuTime(pid)
	}
	seen, err := wrk(ctx, script, url, host, headers, b.length)
	if err != nil {
		return load{}, err
	}
	if seen.requests == 0 || seen.failed != (failures{}) {
		return load{}, fmt.Errorf("%s: of %d requests these failed: %+v: the figures would mean nothing", url, seen.requests, seen.failed)
	}
	for i, pid := range watched {
		cpu[i] = (cpu[i] + cpuTime(pid)) / time.Duration(seen.requests)
	}
	seen.cpu = cpu
	return seen, nil
}

func wrk(ctx context.Context, script, url, host, headers string, length time.Duration) (load, error) {
	run := exec.CommandContext(ctx, "wrk", "-t1", "-c64", fmt.Sprintf("-d%ds", int(length.Seconds())), "--timeout", "5s", "-s", script, url)
	run.Env = append(os.Environ(), "HEADERS="+headers, "HOST_HEADER="+host)
	said, err := run.CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w\n%s(make deps-bench installs it)", err, said)
	}
	_, result, found := strings.Cut(string(said), "RESULT ")
	if !found {
		return load{}, fmt.Errorf("wrk printed no result:\n%s", said)
	}
	var l load
	var seconds float64
	var p50, p99 int
	f := &l.failed
	if _, err := fmt.Sscan(result, &l.requests, &seconds, &p50, &p99, &f.connect, &f.read, &f.write, &f.status, &f.timeout); err != nil {
		return load{}, fmt.Errorf("wrk's result: %w", err)
	}
	l.perSecond = float64(l.requests) / seconds
	l.p50, l.p99 = time.Duration(p50)*time.Microsecond, time.Duration(p99)*time.Microsecond
	return l, nil
}

// middle is the median round, figure by figure.
func middle(rounds []load) load {
	pick := func(f func(load) float64) float64 {
		values := make([]float64, len(rounds))
		for i, r := range rounds {
			values[i] = f(r)
		}
		return median(values)
	}
	m := load{
		perSecond: pick(func(l load) float64 { return l.perSecond }),
		p50:       time.Duration(pick(func(l load) float64 { return float64(l.p50) })),
		p99:       time.Duration(pick(func(l load) float64 { return float64(l.p99) })),
	}
	for i := range rounds[0].cpu {
		m.cpu = append(m.cpu, time.Duration(pick(func(l load) float64 { return float64(l.cpu[i]) })))
	}
	return m
}
