package wire

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Keeping is a refusal that also puts cookies into the browser.
func Keeping(refusal error, h Headers) error {
	return huma.ErrorWithHeaders(refusal, http.Header{"Set-Cookie": h.SetCookie})
}
