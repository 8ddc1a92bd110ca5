package httpapi_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// What the tests of this package measure; the globals are set as
// observability.Start sets them, before any API exists.
var (
	reader = metric.NewManualReader()
	spans  = tracetest.NewInMemoryExporter()
)

func TestMain(m *testing.M) {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(reader)))
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans), sdktrace.WithSampler(sdktrace.AlwaysSample())))
	os.Exit(m.Run())
}

// series counts the label sets of the request durations, by route.
func series(t *testing.T) map[string]int {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	routes := map[string]int{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if h, ok := m.Data.(metricdata.Histogram[float64]); ok && m.Name == "http.server.request.duration" {
				for _, point := range h.DataPoints {
					route, _ := point.Attributes.Value("http.route")
					routes[route.AsString()]++
				}
			}
		}
	}
	return routes
}

// LOG-06: nothing that a client makes up becomes a label.
func TestMetrics_doNotGrowWithWhatClientsMakeUp(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(nil)
	for i := range 2000 {
		send(api, fmt.Sprintf("M%d", i), fmt.Sprintf("/%x/%x", rand.Uint64(), rand.Uint64()), "", "")
		send(api, http.MethodGet, fmt.Sprintf("/notes/u%d", i), "", "")
	}
	routes := series(t)
	if n := routes["unmatched"]; n == 0 || n > 12 {
		t.Errorf("%d series for what matches nothing", n)
	}
	if n := routes["/notes/:id"]; n == 0 || n > 3 {
		t.Errorf("%d series for /notes/:id", n)
	}
	for route := range routes {
		if strings.Contains(route, "u1") {
			t.Errorf("a label holds a path: %s", route)
		}
	}
}

func TestTrace_isContinuedFromTheGatewayOnly(t *testing.T) {
	t.Parallel()
	for edge, parent := range map[httpapi.Edge]string{
		httpapi.EdgeGateway: "0af7651916cd43dd8448eb211c80319c",
		httpapi.EdgeDirect:  "1af7651916cd43dd8448eb211c80319c",
	} {
		api, _ := newAPI(func(c *httpapi.Config) { c.Edge = edge })
		r := newRequest(http.MethodGet, "/notes?cursor=sent-by-a-client", nil)
		r.Header.Set("Traceparent", "00-"+parent+"-b7ad6b7169203331-01")
		do(api, r)
		continued := false
		for _, s := range spans.GetSpans() {
			continued = continued || s.SpanContext.TraceID().String() == parent && s.Name == "GET /notes"
			if strings.Contains(fmt.Sprint(s), "sent-by-a-client") {
				t.Errorf("a span repeats the query: %+v", s)
			}
		}
		if continued != (edge == httpapi.EdgeGateway) {
			t.Errorf("%s: continued = %v", edge, continued)
		}
	}
}
