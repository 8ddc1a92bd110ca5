package access

import (
	"encoding/hex"
	"log/slog"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/codex-platform/codex/pkg/observability"
)

// appendLine writes the record as the log's JSON handler would: the same keys, the
// same redaction, without its cost.
func appendLine(b []byte, service string, level slog.Level, now time.Time, rec *Record) []byte {
	b = append(b, `{"time":"`...)
	b = now.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","level":"`...)
	b = append(b, level.String()...)
	b = append(b, `","msg":"request","service":`...)
	b = appendString(b, service)
	b = appendText(b, "class", rec.Class)
	b = appendText(b, "method", rec.Method)
	b = appendText(b, "path", rec.Path)
	b = appendNumber(b, "status", int64(rec.Status))
	b = appendNumber(b, "duration_us", rec.Duration.Microseconds())
	b = appendPlain(b, "client", rec.Client)
	b = appendText(b, "proto", rec.Proto)
	if rec.FirstByte > 0 {
		b = appendNumber(b, "upstream_us", rec.FirstByte.Microseconds())
	}
	for _, s := range rec.texts() {
		if s.value != "" {
			b = appendText(b, s.key, s.value)
		}
	}
	for _, n := range rec.numbers() {
		if n.value > 0 {
			b = appendNumber(b, n.key, n.value)
		}
	}
	if rec.Aborted {
		b = append(b, `,"aborted":true`...)
	}
	if rec.Cause != nil {
		b = appendText(b, "err", rec.Cause.Error())
	}
	if rec.Trace.IsValid() {
		trace, span := rec.Trace.TraceID(), rec.Trace.SpanID()
		b = hex.AppendEncode(appendKey(b, "trace_id", '"'), trace[:])
		b = hex.AppendEncode(append(b, `","span_id":"`...), span[:])
		b = append(b, '"')
	}
	b = appendPlain(b, "request_id", rec.RequestID)
	return append(b, "}\n"...)
}

func appendKey(b []byte, key string, then ...byte) []byte {
	b = append(b, `,"`...)
	b = append(b, key...)
	b = append(b, `":`...)
	return append(b, then...)
}

func appendNumber(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(appendKey(b, key), n, 10)
}

// appendText writes what others may have had a word in, redacted.
func appendText(b []byte, key, text string) []byte {
	if !harmless(text) {
		text = observability.Redact(text)
	}
	return appendPlain(b, key, text)
}

// appendPlain writes what cannot hold a secret: our own ids, addresses.
func appendPlain(b []byte, key, text string) []byte {
	return appendString(appendKey(b, key), text)
}

// harmless tells of most texts quickly what a whole search would find out: words
// of letters shorter than any token, nothing that gives a value, no long numbers.
func harmless(text string) bool {
	word, digits := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			word, digits = word+1, 0
		case '0' <= c && c <= '9':
			if word, digits = word+1, digits+1; digits > 4 {
				return false
			}
		case c == '/':
			word, digits = 0, 0
		case c == '-', c == '_', c == '.':
			word, digits = word+1, digits+1 // digits may be set apart like this
			if digits == 1 {
				digits = 0
			}
		default:
			return false
		}
		if word > 12 {
			return false
		}
	}
	return true
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string (RFC 8259 §7). Beyond what that asks for, line
// separators are escaped, because some readers of logs end a line there, and the
// controls above ASCII, because some terminals obey them.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		var size int
		b, size = appendEscaped(b, s[i:])
		i += size
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// appendEscaped writes the first character of s and tells how long it was.
func appendEscaped(b []byte, s string) ([]byte, int) {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == '"' || r == '\\':
		return append(b, '\\', byte(r)), size
	case r == utf8.RuneError && size == 1:
		return append(b, `\ufffd`...), size
	case r < 0xa0, r == '\u2028', r == '\u2029':
		return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15]), size
	}
	return append(b, s[:size]...), size
}
