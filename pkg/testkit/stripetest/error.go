package stripetest

import (
	"encoding/json"
	"errors"
	"net/http"
)

// apiError is a refusal in Stripe's shape.
type apiError struct {
	status                     int
	kind, code, param, message string
}

func (e *apiError) Error() string { return e.message }

func invalid(param, message string) error {
	return &apiError{status: http.StatusBadRequest, param: param, message: message}
}

func missing(kind, id string) error {
	return &apiError{status: http.StatusNotFound, code: "resource_missing", param: "id", message: "No such " + kind + ": '" + id + "'"}
}

// writeError renders an error as {"error":{...}}.
func writeError(err error) (int, []byte) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{status: http.StatusInternalServerError, kind: "api_error", message: err.Error()}
	}
	kind := e.kind
	if kind == "" {
		kind = "invalid_request_error"
	}
	body := object{"type": kind, "message": e.message}
	if e.code != "" {
		body["code"] = e.code
	}
	if e.param != "" {
		body["param"] = e.param
	}
	out, _ := json.MarshalIndent(object{"error": body}, "", "  ")
	return e.status, out
}
