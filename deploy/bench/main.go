// Command bench measures Codex against peers and floors, in one run.
//
// These machines are shared and differ: only ratios within one run mean
// something, so every round measures ours and the other in turn, and the
// medians of the rounds are compared. The benchmarks:
//
//	gateway  CPU a request with all checks, against HAProxy and nginx with theirs and with none
//	storage  PUT and GET through the service, against the S3 server directly
//	webhook  acknowledged events a second, against one committed row each
//	overload what the gateway still does when twice as much comes as its service can do
//	auth     CPU a get-session, token and sign-in, against better-auth on Node and the bare hash; a flood of sign-ins
//
// and, when it is named, profile: the CPU profile that the gateway is compiled with.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// benchmark is one comparison; it prints its own rows.
type benchmark struct {
	name string
	run  func(context.Context, *bench) error
}

var benchmarks = []benchmark{
	{"gateway", benchGateway},
	{"overload", benchOverload},
	{"auth", benchAuth},
	{"webhook", benchWebhook},
	{"storage", benchStorage},
}

// asked is what runs only when it is named.
var asked = []benchmark{{"profile", writeProfile}}

func main() {
	only := flag.String("only", "", "comma list of: gateway, overload, auth, webhook, storage (default: these), profile")
	seconds := flag.Int("seconds", 5, "how long one measurement under load lasts, 1 to 60")
	rounds := flag.Int("rounds", 5, "how often each is measured, 1 to 20; medians are printed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *seconds < 1 || *seconds > 60 || *rounds < 1 || *rounds > 20 {
		fmt.Fprintln(os.Stderr, "bench: -seconds is 1 to 60, -rounds is 1 to 20")
		os.Exit(2)
	}
	if err := run(ctx, *only, time.Duration(*seconds)*time.Second, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, length time.Duration, rounds int) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	for _, one := range chosen {
		fmt.Printf("\n%s\n", one.name)
		b, err := newBench(ctx, length, rounds)
		if err != nil {
			return err
		}
		err = one.run(ctx, b)
		b.close()
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

func choose(only string) ([]benchmark, error) {
	if only == "" {
		return benchmarks, nil
	}
	all := slices.Concat(benchmarks, asked)
	var chosen []benchmark
	for _, name := range strings.Split(only, ",") {
		i := slices.IndexFunc(all, func(b benchmark) bool { return b.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no benchmark %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
