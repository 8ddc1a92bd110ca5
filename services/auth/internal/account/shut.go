package account

import (
	"net/http"

	"github.com/codex-platform/codex/pkg/problem"
)

var (
	errNoPasswords = problem.New(http.StatusBadRequest, "EMAIL_PASSWORD_DISABLED", "Email and password is not enabled")
	errNoReset     = problem.New(http.StatusBadRequest, "RESET_PASSWORD_DISABLED", "Reset password isn't enabled")
)

// WithoutPasswords are the paths that are shut, below the contract's base, where
// nobody signs in with a password.
var WithoutPasswords = map[string]*problem.Problem{
	"/sign-up/email":                    ErrClosed,
	"/sign-in/email":                    errNoPasswords,
	"/sign-in/username":                 errNoPasswords,
	"/request-password-reset":           errNoReset,
	"/reset-password":                   errNoReset,
	"/email-otp/request-password-reset": errNoReset,
	"/email-otp/reset-password":         errNoReset,
	"/forget-password/email-otp":        errNoReset,
}
