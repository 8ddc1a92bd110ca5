package problem

import (
	"net/http"
	"net/url"
)

// MediaType is the content type of a Document, RFC 9457 section 3.
const MediaType = "application/problem+json"

// Document is a problem in the form of RFC 9457, ready to be written as JSON.
// The members code, request_id and errors are our extensions (section 3.2).
type Document struct {
	Type      string  `json:"type" format:"uri-reference" doc:"Where this kind of problem is described"`
	Title     string  `json:"title" doc:"The status in words"`
	Status    int     `json:"status" doc:"The HTTP status"`
	Detail    string  `json:"detail" doc:"What happened, for people"`
	Code      string  `json:"code" doc:"What happened, for programs"`
	RequestID string  `json:"request_id,omitempty" doc:"Names this request when you ask for help"`
	Errors    []Field `json:"errors,omitempty" doc:"The members of the input that were refused"`
}

// Document gives the problem's RFC 9457 form for one request. The type is a
// reference relative to the public origin: the page that explains the code.
func (p *Problem) Document(requestID string) Document {
	title := http.StatusText(p.Status)
	if p.Status == StatusClientClosedRequest {
		title = "Client Closed Request"
	}
	return Document{
		Type:      "/docs/problems#" + url.PathEscape(p.Code),
		Title:     title,
		Status:    p.Status,
		Detail:    p.Message,
		Code:      p.Code,
		RequestID: requestID,
		Errors:    p.Fields,
	}
}
