package content

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/problem"
)

// maxRanges bounds the parts of one answer: each costs a request to the store,
// and a thousand tiny ones would make a cheap amplifier (RFC 9110 section 14.2).
const maxRanges = 10

// ErrRange refuses ranges that cannot be met, or that nobody should ask for.
var ErrRange = problem.New(http.StatusRequestedRangeNotSatisfiable, "RANGE_NOT_SATISFIABLE",
	"These ranges are not in the file, or are too many")

// parseRanges reads a Range header for a file of this size: the ranges in the
// order of the file, with those that touch made one, or none when the whole file
// is the answer. A unit other than bytes is ignored, as RFC 9110 wants it. An
// empty file has no ranges to give, and is its own whole.
func parseRanges(header string, size int64) ([]objectstore.ByteRange, error) {
	unit, set, found := strings.Cut(header, "=")
	if header == "" || size == 0 || found && !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return nil, nil
	}
	if !found || strings.Count(set, ",") >= maxRanges {
		return nil, ErrRange
	}
	var ranges []objectstore.ByteRange
	for spec := range strings.SplitSeq(set, ",") {
		r, ok, err := parseRange(strings.Trim(spec, " \t"), size)
		if err != nil {
			return nil, err
		}
		if ok {
			ranges = append(ranges, r)
		}
	}
	if len(ranges) == 0 {
		return nil, ErrRange
	}
	return merge(ranges), nil
}

// parseRange reads "0-99", "100-" or "-100"; it is not ok when the range, though
// well formed, lies outside the file.
func parseRange(spec string, size int64) (r objectstore.ByteRange, ok bool, err error) {
	first, last, found := strings.Cut(spec, "-")
	if !found {
		return r, false, ErrRange
	}
	if first == "" { // the last n bytes
		n, err := position(last)
		if err != nil || n == 0 {
			return r, false, err
		}
		return objectstore.ByteRange{First: max(size-n, 0), Last: size - 1}, true, nil
	}
	if r.First, err = position(first); err != nil {
		return r, false, err
	}
	r.Last = size - 1
	if last != "" {
		end, err := position(last)
		if err != nil || end < r.First {
			return r, false, ErrRange
		}
		r.Last = min(end, r.Last)
	}
	return r, r.First < size, nil
}

// position reads digits and nothing else; more of them than fit are "very far".
func position(text string) (int64, error) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, ErrRange
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxInt64, nil
	}
	return n, err
}

// merge sorts the ranges and makes one of those that overlap or touch.
func merge(ranges []objectstore.ByteRange) []objectstore.ByteRange {
	slices.SortFunc(ranges, func(a, b objectstore.ByteRange) int {
		return int(max(-1, min(1, a.First-b.First)))
	})
	out := ranges[:1]
	for _, r := range ranges[1:] {
		if last := &out[len(out)-1]; r.First <= last.Last+1 {
			last.Last = max(last.Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}
