package problem

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// StatusClientClosedRequest is the status for a request whose client went
// away. Nobody reads it; it keeps such requests apart from faults in logs and
// metrics. The number is nginx's, no RFC has one.
const StatusClientClosedRequest = 499

// The refusals that every service shares.
var (
	Internal             = New(http.StatusInternalServerError, "INTERNAL", "Something went wrong on our side")
	Unavailable          = New(http.StatusServiceUnavailable, "UNAVAILABLE", "This is not available at the moment: try again shortly").WithRetryAfter(2 * time.Second)
	NotFound             = New(http.StatusNotFound, "NOT_FOUND", "There is nothing here")
	MethodNotAllowed     = New(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "This address does not answer to this method")
	Unauthorized         = New(http.StatusUnauthorized, "UNAUTHORIZED", "Sign in first")
	Forbidden            = New(http.StatusForbidden, "FORBIDDEN", "You may not do this")
	TooLarge             = New(http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE", "The body is too large")
	UnsupportedMediaType = New(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "This content type is not accepted here")
	Malformed            = New(http.StatusBadRequest, "MALFORMED_REQUEST", "The request cannot be read")
	Invalid              = New(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "Some of the input is not valid")
	TooManyRequests      = New(http.StatusTooManyRequests, "RATE_LIMITED", "Too many requests: slow down")
	Timeout              = New(http.StatusRequestTimeout, "REQUEST_TIMEOUT", "The request took too long to arrive")
	ClientClosed         = New(StatusClientClosedRequest, "CLIENT_CLOSED_REQUEST", "The client went away")
)

// From gives the refusal to show for an error: the problem in its chain, or
// ClientClosed when the caller went away, Unavailable when time ran out on our
// side, and otherwise Internal. It is nil for a nil error.
func From(err error) *Problem {
	if err == nil {
		return nil
	}
	var p *Problem
	switch {
	case errors.As(err, &p) && p != nil:
		return p
	case errors.Is(err, context.Canceled):
		return ClientClosed
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return Internal
}
