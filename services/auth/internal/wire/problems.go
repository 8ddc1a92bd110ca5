package wire

import (
	"net/http"

	"github.com/codex-platform/codex/pkg/problem"
)

// The refusals that features share. A code is the constant name of its message,
// which is what clients test for.
var (
	ErrUnauthorized    = problem.New(http.StatusUnauthorized, "UNAUTHORIZED", "Unauthorized")
	ErrNotFresh        = problem.New(http.StatusForbidden, "SESSION_NOT_FRESH", "Session is not fresh")
	ErrInvalidToken    = problem.New(http.StatusUnauthorized, "INVALID_TOKEN", "Invalid token")
	ErrInvalidPassword = problem.New(http.StatusBadRequest, "INVALID_PASSWORD", "Invalid password")
	ErrUserNotFound    = problem.New(http.StatusUnauthorized, "USER_NOT_FOUND", "User not found")
	ErrFieldNotAllowed = problem.New(http.StatusBadRequest, "FIELD_NOT_ALLOWED", "Field not allowed to be set")
	ErrValidation      = problem.New(http.StatusBadRequest, "VALIDATION_ERROR", "Validation Error")
	ErrNothingToUpdate = problem.New(http.StatusBadRequest, "NO_FIELDS_TO_UPDATE", "No fields to update")
	ErrBanned          = problem.New(http.StatusForbidden, "BANNED_USER",
		"You have been banned from this application. Please contact support if you believe this is an error.")
	ErrTooMany = problem.New(http.StatusTooManyRequests, codeRateLimited, "Too many requests. Please try again later.")

	// ErrKeySpent refuses an API key that was used too often. Clients see it as
	// RATE_LIMITED with the time to wait.
	ErrKeySpent = problem.New(http.StatusTooManyRequests, "API_KEY_RATE_LIMITED", "Rate limit exceeded.")

	// ErrOnBehalf refuses what only the person may do to an administrator who acts
	// as that person, and to an API key.
	ErrOnBehalf = problem.New(http.StatusForbidden, "NOT_ON_BEHALF_OF_ANOTHER", "This can only be done by the person, not on behalf of another")

	// ErrNothing is the answer of a path that is not served: no body at all.
	ErrNothing = problem.New(http.StatusNotFound, "NOTHING", "There is nothing here")

	errNotJSON   = problem.New(http.StatusBadRequest, "BAD_REQUEST", "Invalid JSON in request body")
	errMediaType = problem.New(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is not allowed")
)

// codeRateLimited is the code of limits; that of ErrTooMany is not shown to
// clients, who see its message only.
const codeRateLimited = "RATE_LIMITED"

// FieldNotAllowed refuses an attempt to write a field that is not the user's to write.
func FieldNotAllowed(field string) *problem.Problem {
	return ErrFieldNotAllowed.WithMessage(field + " is not allowed to be set")
}

// Invalid refuses one member of the body or the query: at is "body.email".
func Invalid(at, what string) *problem.Problem {
	return ErrValidation.WithMessage("[" + at + "] " + what)
}
