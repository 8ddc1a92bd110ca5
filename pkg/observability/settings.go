package observability

import (
	"errors"
	"log/slog"
	"net/url"
	"strconv"
)

// Settings says how much a process tells about itself, and to whom. The zero
// value logs from info on and exports nothing.
type Settings struct {
	LogLevel     slog.Level `env:"LOG_LEVEL" envDefault:"info" help:"the least level that is logged: debug, info, warn or error"`
	LogFormat    Format     `env:"LOG_FORMAT" envDefault:"auto" help:"how a log line looks: json, text, or auto (text on a terminal)"`
	OTLPEndpoint Endpoint   `env:"OTEL_EXPORTER_OTLP_ENDPOINT" example:"http://collector:4318" help:"where traces go by OTLP over HTTP; empty: nowhere"`
	TraceRatio   Ratio      `env:"OTEL_TRACES_SAMPLER_ARG" envDefault:"0.01" help:"the share of new traces that is kept, 0 to 1; a caller's own decision is followed"`
}

// Format is how a log line looks.
type Format string

// The formats of log lines.
const (
	FormatAuto Format = "auto" // text on a terminal, JSON elsewhere
	FormatJSON Format = "json"
	FormatText Format = "text"
)

// UnmarshalText reads a format.
func (f *Format) UnmarshalText(text []byte) error {
	switch got := Format(text); got {
	case FormatAuto, FormatJSON, FormatText:
		*f = got
		return nil
	}
	return errors.New("not auto, json or text")
}

// Ratio is a share between 0 and 1.
type Ratio float64

// UnmarshalText reads a ratio.
func (r *Ratio) UnmarshalText(text []byte) error {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(f >= 0 && f <= 1) { // the form of the test refuses NaN
		return errors.New("not a number from 0 to 1")
	}
	*r = Ratio(f)
	return nil
}

// Endpoint is the base address of an OTLP collector; the signal's path is added to it.
type Endpoint string

// UnmarshalText reads an endpoint.
func (e *Endpoint) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("not an absolute http or https URL")
	}
	*e = Endpoint(text)
	return nil
}
