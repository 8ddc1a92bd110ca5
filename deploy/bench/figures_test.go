package main

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestParseCPUs_readsRangesAndSingles(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]int{"0": {0}, "0-3": {0, 1, 2, 3}, "0-1,8,10-11": {0, 1, 8, 10, 11}} {
		if got, err := parseCPUs(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v, want %v", list, got, err, want)
		}
	}
	if got, err := parseCPUs("0-x"); err == nil {
		t.Errorf("0-x: %v", got)
	}
}

func TestMiddle_isTheMedianOfEachFigure(t *testing.T) {
	t.Parallel()
	round := func(perSecond float64, cpu ...time.Duration) load { return load{perSecond: perSecond, cpu: cpu} }
	got := middle([]load{round(10, 7, 1), round(30, 9, 2), round(20, 8, 50)})
	if got.perSecond != 20 || !slices.Equal(got.cpu, []time.Duration{8, 2}) {
		t.Errorf("%+v", got)
	}
}

// second is one outcome a hundredth of a second, all alike.
func second(status int, took time.Duration) []outcome {
	began := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	seen := make([]outcome, 100)
	for i := range seen {
		seen[i] = outcome{due: began.Add(time.Duration(i) * 10 * time.Millisecond), took: took, status: status}
	}
	return seen
}

func TestInTime_countsNoAnswerThatCameAfterTheEnd(t *testing.T) {
	t.Parallel()
	if got := inTime(second(http.StatusOK, 105*time.Millisecond), time.Second); got != 90 {
		t.Errorf("late answers: %d", got)
	}
	if got := inTime(second(http.StatusServiceUnavailable, time.Millisecond), time.Second); got != 0 {
		t.Errorf("refusals: %d", got)
	}
}

func TestRecovered_isTheEndOfTheLastBadQuarterOfASecond(t *testing.T) {
	t.Parallel()
	seen := second(http.StatusOK, time.Millisecond)
	if got := recovered(seen, 2*time.Millisecond); got != 0 {
		t.Errorf("nothing bad: %s", got)
	}
	seen[0].status, seen[30].took = http.StatusServiceUnavailable, time.Second
	if got := recovered(seen, 2*time.Millisecond); got != 500*time.Millisecond {
		t.Errorf("a refusal at 0 ms and a slow answer at 300 ms: %s", got)
	}
}

func TestPercentile_ofNothingIsNothing(t *testing.T) {
	t.Parallel()
	if got := percentile(nil, 0.99); got != 0 {
		t.Errorf("%s", got)
	}
	if got := percentile([]time.Duration{1, 2, 3, 4}, 1); got != 4 {
		t.Errorf("%s", got)
	}
}

func TestRatio_comparesWithinEachRound(t *testing.T) {
	t.Parallel()
	round := func(cpu time.Duration) load { return load{cpu: []time.Duration{cpu}} }
	found := loads{"a": {round(10), round(40), round(12)}, "b": {round(20), round(80), round(20)}} // the machine was busy in the second
	if got := found.ratio("a", "b"); got != 0.5 {
		t.Errorf("%v, want 0.5", got)
	}
}
