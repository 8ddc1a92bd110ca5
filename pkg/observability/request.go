package observability

import (
	"context"
	"crypto/rand"
	"strings"
)

type requestIDKey struct{}

// maxRequestID bounds an id sent by a client, in bytes.
const maxRequestID = 64

// WithRequestID returns a context whose log lines carry this request id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID gives the request id of a context, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// NewRequestID makes an id of 26 letters and digits from 130 random bits.
func NewRequestID() string {
	return strings.ToLower(rand.Text())
}

// ParseRequestID accepts an id that a client sent when it is 1 to 64 of
// A-Z a-z 0-9 _ -, so that it can stand in a log line and a header as it is.
func ParseRequestID(sent string) (string, bool) {
	if sent == "" || len(sent) > maxRequestID {
		return "", false
	}
	for i := range len(sent) {
		if !isAlnum(sent[i]) && sent[i] != '_' && sent[i] != '-' {
			return "", false
		}
	}
	return sent, true
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
