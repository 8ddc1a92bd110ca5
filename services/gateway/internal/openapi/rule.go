package openapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Rule is what the gateway asks of a request before its service sees it.
type Rule struct {
	Class      string
	Auth       string   // "required", "public", or "service": the service has its own proof
	Proofs     []string // names of Schemes, each enough alone; for Auth "required"
	Limits     []Limit
	MaxBody    int64 // bytes; 0 where no body is taken
	Proxied    bool  // a service answers, which can be away
	AuthShape  bool  // refusals are {message, code}
	Deprecated bool
	Sunset     time.Time // zero: not decided
	Successor  string
}

// Limit is one rate limit of a rule.
type Limit struct {
	Name   string `json:"name"`
	By     string `json:"by"`     // address, user, API key, everybody
	Quota  int    `json:"quota"`  // requests
	Window int    `json:"window"` // seconds
	Burst  int    `json:"burst"`  // at most at once
	Exact  bool   `json:"exact"`  // counted at once for all gateways together
	Shadow bool   `json:"shadow"` // told, not enforced
}

// Rules finds the rule of an operation.
type Rules func(method, path string) (Rule, bool)

// gatewayAnswers are the refusals that the gateway gives by itself, by status.
var gatewayAnswers = map[int]struct {
	text    string
	headers []string
	meets   func(method string, r Rule) bool
}{
	http.StatusBadRequest:            {"The request has more than one reading", nil, func(string, Rule) bool { return true }},
	http.StatusUnauthorized:          {"No valid proof of who asks", []string{"WWW-Authenticate"}, func(_ string, r Rule) bool { return r.Auth != "service" }},
	http.StatusForbidden:             {"A cookie proved who asks, and no trusted page sent the change", nil, changesByCookie},
	http.StatusRequestEntityTooLarge: {"The body is larger than this address takes", nil, func(m string, r Rule) bool { return r.MaxBody > 0 && takesBody(m) }},
	http.StatusTooManyRequests:       {"A rate limit is used up", []string{"Retry-After", "RateLimit", "RateLimit-Policy"}, func(_ string, r Rule) bool { return len(r.Limits) > 0 }},
	http.StatusBadGateway:            {"The service gave no proper answer", []string{"Retry-After"}, proxied},
	http.StatusServiceUnavailable:    {"The service is away for a moment", []string{"Retry-After"}, func(string, Rule) bool { return true }},
	http.StatusGatewayTimeout:        {"The service took too long", []string{"Retry-After"}, proxied},
}

func proxied(_ string, r Rule) bool { return r.Proxied }

func changesByCookie(method string, r Rule) bool { return r.Auth == "required" && !safe(method) }

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

func takesBody(method string) bool { return !safe(method) }

// apply writes a rule into an operation.
func (r Rule) apply(method string, operation map[string]any) {
	operation["x-route-class"] = r.Class
	operation["x-auth"] = r.Auth
	if len(r.Limits) > 0 {
		operation["x-rate-limits"] = r.Limits
	}
	if r.MaxBody > 0 && takesBody(method) {
		operation["x-max-body-bytes"] = r.MaxBody
	}
	r.secure(operation)
	r.retire(operation)
	r.answer(method, operation)
}

// secure replaces what the service says where the gateway decides; a service that
// is behind the gateway sees nothing but its token.
func (r Rule) secure(operation map[string]any) {
	switch r.Auth {
	case "required":
		var alternatives []any
		for _, proof := range r.Proofs {
			alternatives = append(alternatives, map[string]any{proof: scopes(operation)})
		}
		operation["security"] = alternatives
	case "public":
		operation["security"] = []any{}
	default:
		if operation["security"] == nil {
			operation["security"] = []any{}
		}
	}
}

// scopes are what the service asks for beyond a proof, as it wrote them: in 3.1
// the list of a scheme may name roles, whatever the scheme is.
func scopes(operation map[string]any) []any {
	out := []any{}
	requirements, _ := operation["security"].([]any)
	for _, requirement := range requirements {
		for _, names := range object(requirement) {
			if list, _ := names.([]any); len(list) > 0 {
				return list
			}
		}
	}
	return out
}

func (r Rule) retire(operation map[string]any) {
	if r.Deprecated {
		operation["deprecated"] = true
	}
	if !r.Sunset.IsZero() {
		operation["x-sunset"] = r.Sunset.UTC().Format(time.RFC3339)
	}
	if r.Successor != "" {
		operation["x-successor"] = r.Successor
	}
}

func (r Rule) answer(method string, operation map[string]any) {
	responses := object(operation["responses"])
	if responses == nil {
		responses = map[string]any{}
		operation["responses"] = responses
	}
	for status, a := range gatewayAnswers {
		if !a.meets(method, r) {
			continue
		}
		key := strconv.Itoa(status)
		own := object(responses[key])
		if own == nil || own["$ref"] != nil {
			responses[key] = map[string]any{"$ref": "#/components/responses/" + answerName(status, r.AuthShape)}
			continue
		}
		addHeaders(own, a.headers)
		if status == http.StatusTooManyRequests && r.AuthShape {
			addHeaders(own, []string{"X-Retry-After"})
		}
	}
}

func addHeaders(response map[string]any, names []string) {
	if len(names) == 0 {
		return
	}
	headers := object(response["headers"])
	if headers == nil {
		headers = map[string]any{}
		response["headers"] = headers
	}
	for _, name := range names {
		if headers[name] == nil {
			headers[name] = map[string]any{"$ref": "#/components/headers/" + headerName(name)}
		}
	}
}

func answerName(status int, auth bool) string {
	name := "Gateway" + strings.ReplaceAll(http.StatusText(status), " ", "")
	if auth {
		name += "Auth"
	}
	return name
}

func headerName(name string) string { return "Gateway-" + name }

// headerTexts say what the headers of the gateway's answers mean.
var headerTexts = map[string]string{
	"Retry-After":      "Seconds after which to try again",
	"X-Retry-After":    "Seconds after which to try again",
	"RateLimit":        "What is left of each limit, and the seconds until all of it is there again",
	"RateLimit-Policy": "The limits: quota q in w seconds",
	"WWW-Authenticate": "How to prove who asks",
}

// ownComponents are what rules refer to.
func ownComponents(schemes map[string]any) map[string]any {
	headers := map[string]any{}
	for name, text := range headerTexts {
		headers[headerName(name)] = map[string]any{"description": text, "schema": map[string]any{"type": "string"}}
	}
	responses := map[string]any{}
	for status, a := range gatewayAnswers {
		plain, auth := answerOf(a.text, "application/problem+json", "GatewayProblem"), answerOf(a.text, "application/json", "GatewayRefusal")
		addHeaders(plain, a.headers)
		addHeaders(auth, a.headers)
		if status == http.StatusTooManyRequests {
			addHeaders(auth, []string{"X-Retry-After"})
		}
		responses[answerName(status, false)], responses[answerName(status, true)] = plain, auth
	}
	return map[string]any{"headers": headers, "responses": responses, "schemas": ownSchemas(), "securitySchemes": schemes}
}

func answerOf(text, kind, schema string) map[string]any {
	return map[string]any{"description": text, "content": map[string]any{
		kind: map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/" + schema}},
	}}
}

func ownSchemas() map[string]any {
	text := map[string]any{"type": "string"}
	return map[string]any{
		"GatewayProblem": map[string]any{
			"type": "object", "description": "RFC 9457; the type leads to what the code means",
			"required": []any{"type", "title", "status", "detail", "code"},
			"properties": map[string]any{
				"type": map[string]any{"type": "string", "format": "uri-reference"}, "title": text, "status": map[string]any{"type": "integer"},
				"detail": text, "code": text, "request_id": text,
			},
		},
		"GatewayRefusal": map[string]any{
			"type": "object", "required": []any{"message"}, "properties": map[string]any{"message": text, "code": text},
		},
	}
}
