package httpapi

import (
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"
)

// failure carries what went wrong through huma, whole, to catchFailure. huma's
// own error model keeps the text of errors and the values that a client sent,
// passwords included; this one is never written anywhere.
type failure struct {
	status int
	errs   []error
}

func (f *failure) Error() string  { return http.StatusText(f.status) }
func (f *failure) GetStatus() int { return f.status }

// keepErrors makes huma build failures. huma offers a variable of the package
// for this; the function is the same for every API and is set once, before the
// first API exists.
var keepErrors = sync.OnceFunc(func() {
	huma.NewErrorWithContext = func(_ huma.Context, status int, _ string, errs ...error) huma.StatusError {
		return &failure{status: status, errs: errs}
	}
})

// catchFailure is the transformer that every answer of huma's passes: it takes
// failures out.
func catchFailure(ctx huma.Context, _ string, v any) (any, error) {
	failed, ok := v.(huma.StatusError)
	x := exchangeOf(ctx)
	if !ok || x == nil {
		return v, nil
	}
	x.failure = cause(failed)
	return nil, nil
}

// cause gives the error that is behind an answer of huma's: the refusal or fault
// that a handler returned, or the refusal of an input that does not validate.
func cause(err huma.StatusError) error {
	var f *failure
	if !errors.As(err, &f) {
		return problemOfStatus(err.GetStatus())
	}
	for _, e := range f.errs {
		var p *problem.Problem
		if errors.As(e, &p) {
			return e
		}
	}
	switch {
	case f.status == http.StatusInternalServerError && len(f.errs) > 0:
		return f.errs[0]
	case f.status == http.StatusBadRequest && len(f.errs) == 0:
		// The one case in which huma refuses without saying where.
		return problem.Invalid.WithFields(problem.Field{Detail: "is missing: a body is required"})
	case f.status == http.StatusBadRequest, f.status == http.StatusUnprocessableEntity:
		return problem.Invalid.WithFields(fieldsOf(f.errs)...)
	}
	return problemOfStatus(f.status)
}

func problemOfStatus(status int) *problem.Problem {
	known := []*problem.Problem{
		problem.Malformed, problem.Unauthorized, problem.Forbidden, problem.NotFound, problem.MethodNotAllowed,
		problem.Timeout, problem.TooLarge, problem.UnsupportedMediaType, problem.Invalid, problem.TooManyRequests, problem.Unavailable,
	}
	for _, p := range known {
		if p.Status == status {
			return p
		}
	}
	if status < http.StatusInternalServerError {
		code := strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
		return &problem.Problem{Status: status, Code: code, Message: http.StatusText(status)}
	}
	return problem.Internal
}

// fieldsOf names the members of an input that were refused.
func fieldsOf(errs []error) []problem.Field {
	var fields []problem.Field
	for _, err := range errs {
		var located *huma.ErrorDetail
		if !errors.As(err, &located) {
			fields = append(fields, problem.Field{Detail: detailOf(err)})
			continue
		}
		if inside, ok := unpackFields(located.Message); ok {
			fields = append(fields, inside...)
			continue
		}
		fields = append(fields, problem.Field{Pointer: pointerOf(located.Location), Detail: detailFor(located.Message)})
	}
	return fields
}

// maxPointer bounds the place in an answer, in bytes: a client may name a member anything.
const maxPointer = 128

// pointerOf turns huma's "body.items[3].tags" into "/items/3/tags", and
// "query.limit" into "query/limit".
func pointerOf(location string) string {
	p := strings.NewReplacer("[", "/", "]", "", ".", "/").Replace(location)
	if p == "body" {
		return ""
	}
	p = strings.TrimPrefix(p, "body")
	if len(p) > maxPointer {
		p = strings.ToValidUTF8(p[:maxPointer], "")
	}
	return p
}

// detailFor gives huma's words without what follows the colon: that comes from
// a parser and may quote the value.
func detailFor(message string) string {
	for _, prefix := range []string{"expected ", "invalid "} {
		if strings.HasPrefix(message, prefix) {
			message, _, _ = strings.Cut(message, ": ")
		}
	}
	return message
}

// detailOf says why a value did not parse. Only our own types are known not to
// repeat it.
func detailOf(err error) string {
	var own *validation.Error
	if errors.As(err, &own) {
		return own.Detail
	}
	return "is not valid"
}
