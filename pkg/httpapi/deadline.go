package httpapi

import (
	"context"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// headerRequestTimeout is how many milliseconds the gateway still waits for the answer.
// Work that nobody will see the end of is not begun, or given up with its queries.
const headerRequestTimeout = "X-Request-Timeout"

// maxRequestTimeout keeps a made-up number from overflowing; it is longer than
// any class's time limit.
const maxRequestTimeout = 24 * time.Hour

// deadline ends a request's context when the gateway stops waiting for it, and at the
// latest when it took as long as any may. Without the header, or with one that is no
// number, the gateway has no end; nobody else is asked.
func (a *API) deadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, left := c.Request(), a.config.Whole
		if a.config.Edge == EdgeGateway {
			if asked, ok := readTimeout(r.Header.Get(headerRequestTimeout)); ok && (left == 0 || asked < left) {
				left = asked
			}
		}
		if left == 0 {
			return next(c)
		}
		ctx, cancel := context.WithTimeout(r.Context(), left)
		defer cancel()
		c.SetRequest(r.WithContext(ctx))
		return next(c)
	}
}

func readTimeout(text string) (time.Duration, bool) {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms <= 0 {
		return 0, false
	}
	return time.Duration(min(ms, maxRequestTimeout.Milliseconds())) * time.Millisecond, true
}
