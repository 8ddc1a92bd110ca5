// Package observability owns what a process tells about itself: log lines,
// traces, metrics, and the id that ties them to one request.
//
// Everything that is written passes one redactor (Redact): secrets and
// people's data are masked, ids stay whole. Services log through the *slog.Logger
// that NewLogger gives and measure through the OpenTelemetry API's globals,
// which Start sets. The package knows no service and nothing of HTTP routes.
package observability
