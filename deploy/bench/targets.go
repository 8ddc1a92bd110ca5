package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// The names of what is measured.
const (
	codex         = "codex"
	codexWatched  = "codex, with access line and traces"
	haproxyChecks = "haproxy, JWT + two stick tables"
	haproxyPlain  = "haproxy, plain proxying"
	nginxChecks   = "nginx + Lua, JWT + Redis limit"
	nginxPlain    = "nginx, plain proxying"
	direct        = "direct: no gateway"
)

// target is one way to the upstream.
type target struct {
	name, url string
	checks    bool  // refuses bad tokens
	pids      []int // the gateway's and Redis's
	rounds    []load
}

// targets are ours, those peers that this machine has, and the way without a gateway.
func (w *gateways) targets(ctx context.Context) []*target {
	redis := w.redis.Pid()
	all := []*target{
		{name: codex, url: w.plain.url + checkedPath, checks: true, pids: []int{w.plain.Pid(), redis}},
		{name: codexWatched, url: w.watched.url + checkedPath, checks: true, pids: []int{w.watched.Pid(), redis}},
	}
	if peer, err := w.haproxy(ctx, w.up); err != nil {
		fmt.Println("  without haproxy:", err)
	} else {
		all = append(all,
			&target{name: haproxyChecks, url: peer.url + checkedPath, checks: true, pids: []int{peer.pid, redis}},
			&target{name: haproxyPlain, url: peer.url + plainPath, pids: []int{peer.pid, redis}})
	}
	switch peer, err := w.nginx(ctx, w.up, w.redis.URL()); {
	case err != nil:
		fmt.Println("  without nginx:", err)
	case !peer.lua:
		fmt.Println("  without nginx's Lua:", errMissing)
		all = append(all, &target{name: nginxPlain, url: peer.url + plainPath, pids: []int{peer.pid, redis}})
	default:
		all = append(all,
			&target{name: nginxChecks, url: peer.url + checkedPath, checks: true, pids: []int{peer.pid, redis}},
			&target{name: nginxPlain, url: peer.url + plainPath, pids: []int{peer.pid, redis}})
	}
	return append(all, &target{name: direct, url: "http://" + w.up.addr + plainPath})
}

// loads are each target's rounds, by its name.
type loads map[string][]load

func results(targets []*target) loads {
	found := loads{}
	for _, t := range targets {
		found[t.name] = t.rounds
	}
	return found
}

// print shows what each way costs, by the median of its rounds.
func (found loads) print() {
	fmt.Printf("  %-36s %14s %10s %10s %10s %10s\n", "", "CPU a request", "Redis's", "req/s", "p50", "p99")
	for _, name := range []string{codex, codexWatched, haproxyChecks, haproxyPlain, nginxChecks, nginxPlain, direct} {
		rounds := found[name]
		if len(rounds) == 0 {
			continue
		}
		l := middle(rounds)
		switch name {
		case direct:
			fmt.Printf("  %-36s %14s %10s %10.0f %10s %10s\n", name, "", "", l.perSecond, l.p50, l.p99)
		default:
			fmt.Printf("  %-36s %14s %10s %10.0f %10s %10s\n", name, short(l.cpu[0]), short(l.cpu[1]), l.perSecond, l.p50, l.p99)
		}
	}
}

// ratios are what the gateway is held to: the CPU of the first to that of the second.
var ratios = []struct {
	of, to        string
	most, stretch float64 // stretch: 0 where there is none
}{
	{of: codex, to: haproxyChecks, most: 0.55, stretch: 0.4},
	{of: codex, to: haproxyPlain, most: 2.7, stretch: 1.9},
	{of: codex, to: nginxChecks, most: 1, stretch: 0.7},
	{of: codexWatched, to: codex, most: 1.25},
}

func (found loads) printRatios() {
	for _, r := range ratios {
		if len(found[r.to]) == 0 {
			continue
		}
		ratio := found.ratio(r.of, r.to)
		note := ""
		if ratio <= r.stretch {
			note = fmt.Sprintf(", and the stretch of %.1f", r.stretch)
		}
		verdict(r.of+" / "+r.to, ratio, "", r.most, note)
	}
}

// ratio is the median of the rounds' own ratios: what slows the machine down for a
// while slows both sides of a round.
func (found loads) ratio(of, to string) float64 {
	var each []float64
	for i, l := range found[of] {
		each = append(each, float64(l.cpu[0])/float64(found[to][i].cpu[0]))
	}
	return median(each)
}

// verdict prints a figure beside the most that it may be.
func verdict(name string, figure float64, unit string, most float64, note string) {
	held := "met"
	if figure > most {
		held = "MISSED"
	}
	fmt.Printf("  %-56s %7.2f %-4s at most %g: %s%s\n", name, figure, unit, most, held, note)
}

// allocations prints what the gateway's own benchmark counts in its code.
func (b *bench) allocations(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=Gate", "-benchtime=2000x", "./services/gateway")
	run.Dir = b.root
	said, err := run.CombinedOutput()
	if err != nil {
		fmt.Println("  without the count of allocations:", err)
		return
	}
	for line := range strings.Lines(string(said)) {
		if words := strings.Fields(line); len(words) > 2 && words[len(words)-1] == "allocs/op" {
			fmt.Printf("  %-56s %7s allocations a request\n", words[0], words[len(words)-2])
		}
	}
}
