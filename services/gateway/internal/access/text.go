package access

import "log/slog"

// attrs is the line as the log's own handler writes it; what is empty is left out.
func attrs(rec *Record) []slog.Attr {
	a := make([]slog.Attr, 0, 24)
	a = append(a,
		slog.String("class", rec.Class), slog.String("method", rec.Method), slog.String("path", rec.Path),
		slog.Int("status", rec.Status), slog.Int64("duration_us", rec.Duration.Microseconds()),
		slog.String("client", rec.Client), slog.String("proto", rec.Proto))
	if rec.FirstByte > 0 {
		a = append(a, slog.Int64("upstream_us", rec.FirstByte.Microseconds()))
	}
	for _, s := range rec.texts() {
		if s.value != "" {
			a = append(a, slog.String(s.key, s.value))
		}
	}
	for _, n := range rec.numbers() {
		if n.value > 0 {
			a = append(a, slog.Int64(n.key, n.value))
		}
	}
	if rec.Aborted {
		a = append(a, slog.Bool("aborted", true))
	}
	if rec.Cause != nil {
		a = append(a, slog.Any("err", rec.Cause))
	}
	if rec.Trace.IsValid() {
		a = append(a, slog.String("trace_id", rec.Trace.TraceID().String()), slog.String("span_id", rec.Trace.SpanID().String()))
	}
	return append(a, slog.String("request_id", rec.RequestID))
}

type textField struct{ key, value string }

type numberField struct {
	key   string
	value int64
}

// texts are the fields that most lines have only some of.
func (rec *Record) texts() [7]textField {
	return [...]textField{
		{"code", rec.Code}, {"user_id", rec.UserID}, {"session_id", rec.SessionID}, {"api_key_id", rec.KeyID},
		{"identity", rec.Source}, {"limits_shadowed", rec.Shadow}, {"upstream_failure", rec.Upstream},
	}
}

func (rec *Record) numbers() [3]numberField {
	return [...]numberField{{"received_bytes", rec.Received}, {"sent_bytes", rec.Sent}, {"retries", int64(rec.Retries)}}
}
