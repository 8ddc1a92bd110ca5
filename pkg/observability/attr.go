package observability

import (
	"log/slog"
	"strings"
)

const redacted = "[redacted]"

// redactAttr is slog's ReplaceAttr: it sees every attribute that is not a group.
func redactAttr(_ []string, a slog.Attr) slog.Attr {
	if sensitiveKey(a.Key) && a.Value.Kind() == slog.KindString {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(Redact(a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(Redact(err.Error()))
		}
	}
	return a
}

func sensitiveKey(key string) bool {
	key = strings.ToLower(key)
	for _, word := range []string{"password", "secret", "token", "cookie", "authorization", "dsn"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}
