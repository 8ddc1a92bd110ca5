package problem_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

var errShare = problem.New(http.StatusGone, "SHARE_EXPIRED", "This link has expired")

func TestProblem_isFoundByItsCode(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"itself":       errShare,
		"wrapped":      fmt.Errorf("open share: %w", errShare),
		"with fields":  errShare.WithFields(problem.Field{Pointer: "/name", Detail: "is too long"}),
		"later":        errShare.WithRetryAfter(time.Second),
		"other words":  errShare.WithMessage("Ask the owner"),
		"declared too": problem.New(http.StatusNotFound, "SHARE_EXPIRED", "x"),
	} {
		if !errors.Is(err, errShare) {
			t.Errorf("%s is not the declared problem", name)
		}
	}
	if errors.Is(problem.NotFound.WithMessage("x"), errShare) || errors.Is(errors.New("SHARE_EXPIRED"), errShare) {
		t.Error("something else is the declared problem")
	}
}

func TestProblem_withChangesOnlyTheCopy(t *testing.T) {
	t.Parallel()
	one := problem.Field{Pointer: "/a", Detail: "is wrong"}
	two := problem.Field{Pointer: "/b", Detail: "is wrong"}
	first := problem.Invalid.WithFields(one)
	second, third := first.WithFields(two), first.WithFields(one)
	if len(problem.Invalid.Fields) != 0 || len(first.Fields) != 1 || second.Fields[1] != two || third.Fields[1] != one {
		t.Errorf("got %v, %v, %v, %v", problem.Invalid.Fields, first.Fields, second.Fields, third.Fields)
	}
	if problem.NotFound.WithRetryAfter(time.Minute); problem.NotFound.RetryAfter != 0 {
		t.Error("the declared problem was changed")
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want *problem.Problem
	}{
		"a refusal":          {errShare, errShare},
		"a wrapped refusal":  {fmt.Errorf("a: %w", fmt.Errorf("b: %w", errShare)), errShare},
		"a joined refusal":   {errors.Join(errors.New("x"), errShare), errShare},
		"a refusal, late":    {errors.Join(context.Canceled, errShare), errShare},
		"the client is gone": {fmt.Errorf("query: %w", context.Canceled), problem.ClientClosed},
		"no time is left":    {fmt.Errorf("query: %w", context.DeadlineExceeded), problem.Unavailable},
		"a fault":            {errors.New("disk is full"), problem.Internal},
		"nothing":            {nil, nil},
	} {
		if got := problem.From(tc.err); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func TestDocument_isWhatRFC9457Says(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]*problem.Problem{
		`{"type":"/docs/problems#SHARE_EXPIRED","title":"Gone","status":410,"detail":"This link has expired","code":"SHARE_EXPIRED","request_id":"r1"}`:                                                                                        errShare,
		`{"type":"/docs/problems#VALIDATION_FAILED","title":"Unprocessable Entity","status":422,"detail":"Some of the input is not valid","code":"VALIDATION_FAILED","request_id":"r1","errors":[{"pointer":"/name","detail":"is too long"}]}`: problem.Invalid.WithFields(problem.Field{Pointer: "/name", Detail: "is too long"}),
		`{"type":"/docs/problems#CLIENT_CLOSED_REQUEST","title":"Client Closed Request","status":499,"detail":"The client went away","code":"CLIENT_CLOSED_REQUEST","request_id":"r1"}`:                                                        problem.ClientClosed,
	} {
		if got, err := json.Marshal(p.Document("r1")); err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}

func TestProblem_saysItsCode(t *testing.T) {
	t.Parallel()
	if got := errShare.Error(); got != "SHARE_EXPIRED: This link has expired" {
		t.Errorf("got %q", got)
	}
}
