package observability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"
)

// redactAttr is slog's ReplaceAttr: it sees the message and every attribute
// that is not a group, with the names of the groups around it.
func redactAttr(groups []string, a slog.Attr) slog.Attr {
	if level, ok := levelOf(a.Value); ok {
		return slog.String(a.Key, level.String())
	}
	kind := classify(a.Key)
	if !isPlainKey(a.Key) {
		a.Key = Redact(a.Key)
	}
	for _, group := range groups {
		if around := classify(group); around == secret || around == header {
			kind = around
		}
	}
	a.Value = redactValue(kind, a.Value)
	return a
}

func redactValue(kind secrecy, v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(redactString(kind, v.String()))
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		if mayHide(kind, v) && hidesNumber(kind, v.String()) {
			return slog.StringValue(markRedacted)
		}
	case slog.KindTime:
		if kind == personal {
			return slog.StringValue(markRedacted)
		}
		if at := v.Time(); at.Year() < 0 || at.Year() > 9999 { // slog's JSON of it is broken
			return slog.StringValue(at.Format(time.RFC3339))
		}
	case slog.KindAny:
		return slog.AnyValue(redactAny(kind, v.Any()))
	}
	return v
}

func redactString(kind secrecy, text string) string {
	switch {
	case kind == open, kind == code && harmlessCode(text):
		return Redact(text)
	case text == "":
		return text
	}
	return markRedacted
}

// mayHide tells whether a number is worth being printed for a closer look.
func mayHide(kind secrecy, v slog.Value) bool {
	switch {
	case kind != open:
		return true
	case v.Kind() == slog.KindInt64:
		return v.Int64() >= 1e14
	}
	return v.Kind() == slog.KindUint64 && v.Uint64() >= 1e14
}

// hidesNumber tells whether a number has to be hidden: by its key, or because
// it is that of a payment card. Only 15 and 16 digits count as a card here:
// times and sizes do not get there.
func hidesNumber(kind secrecy, number string) bool {
	switch kind {
	case numeric, personal:
		return true
	case code:
		return !harmlessCode(number)
	}
	return (len(number) == 15 || len(number) == 16) && cardEnd(number, 0) == len(number)
}

// redactAny gives a value that holds no secret and prints the same otherwise.
// A value that panics while it is read must not take the line with it.
func redactAny(kind secrecy, v any) (safe any) {
	defer func() {
		if r := recover(); r != nil {
			safe = "[unreadable]"
		}
	}()
	switch v := v.(type) {
	case nil, bool:
		return v
	case error:
		return redactString(kind, v.Error())
	case *url.URL:
		return redactString(kind, v.String())
	case []byte:
		if !utf8.Valid(v) {
			return "[" + strconv.Itoa(len(v)) + " bytes]"
		}
		return redactString(kind, string(v))
	}
	return redactTree(kind, tree(v))
}

// tree gives a value as JSON sees it: maps, slices, texts and numbers. What
// JSON cannot hold is printed as Go prints it.
func tree(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // ids and sizes beyond 2^53 stay whole
	var t any
	if err := d.Decode(&t); err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return t
}

func redactTree(kind secrecy, v any) any {
	switch v := v.(type) {
	case string:
		return redactString(kind, v)
	case json.Number:
		if hidesNumber(kind, v.String()) {
			return markRedacted
		}
	case []any:
		for i := range v {
			v[i] = redactTree(kind, v[i])
		}
	case map[string]any:
		return redactMembers(kind, v)
	}
	return v
}

// redactMembers hides members by their own key, and all text of a map whose key is that of a secret.
func redactMembers(around secrecy, members map[string]any) map[string]any {
	safe := make(map[string]any, len(members))
	for key, value := range members {
		kind := classify(key)
		if kind == open && around != code {
			kind = around
		}
		safe[Redact(key)] = redactTree(kind, value)
	}
	return safe
}

// levelOf gives the level that slog itself puts into each line.
func levelOf(v slog.Value) (slog.Level, bool) {
	if v.Kind() != slog.KindAny {
		return 0, false
	}
	level, ok := v.Any().(slog.Level)
	return level, ok
}
