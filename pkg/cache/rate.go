package cache

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Rate is a limit as the environment writes it: "600/1m", or "600/1m/50" where
// only 50 may come at once.
type Rate struct {
	Requests int
	Per      time.Duration
	Burst    int // 0: as many as Requests
}

var errRate = errors.New("not like 600/1m (requests/time) or 600/1m/50 (requests/time/at once)")

// UnmarshalText reads a rate. There is no "off": a limit that is too small is
// raised.
func (r *Rate) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), "/")
	if len(parts) < 2 || len(parts) > 3 {
		return errRate
	}
	n, err := strconv.Atoi(parts[0])
	if err != nil || n < 1 {
		return errRate
	}
	per, err := time.ParseDuration(parts[1])
	if err != nil || per < time.Second || per > 24*time.Hour {
		return errRate
	}
	got := Rate{Requests: n, Per: per}
	if len(parts) == 3 {
		if got.Burst, err = strconv.Atoi(parts[2]); err != nil || got.Burst < 1 {
			return errRate
		}
	}
	*r = got
	return nil
}

// MarshalText writes a rate as UnmarshalText reads it.
func (r Rate) MarshalText() ([]byte, error) {
	text := strconv.Itoa(r.Requests) + "/" + r.Per.String()
	if r.Burst > 0 {
		text += "/" + strconv.Itoa(r.Burst)
	}
	return []byte(text), nil
}

// Named makes the limit that counts under this policy name.
func (r Rate) Named(name string) Limit {
	return Limit{Name: name, Rate: r.Requests, Per: r.Per, Burst: r.Burst}
}
