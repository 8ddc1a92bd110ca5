package config

import (
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes. Its text is a whole number with or without a
// unit: 1048576, 64KiB, 5GiB, 2GB, 10B.
type Size int64

// units are the factors of the words after a size, longest words first.
var units = []struct {
	word   string
	factor int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	number, factor := string(text), int64(1)
	for _, unit := range units {
		if rest, ok := cutSuffixFold(number, unit.word); ok {
			number, factor = strings.TrimSpace(rest), unit.factor
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return formError("is not a size such as 1048576, 64KiB or 5GiB")
	}
	*s = Size(n * factor)
	return nil
}

func cutSuffixFold(s, suffix string) (string, bool) {
	at := len(s) - len(suffix)
	if at < 0 || !strings.EqualFold(s[at:], suffix) {
		return s, false
	}
	return s[:at], true
}
