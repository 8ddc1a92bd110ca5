package httpapi_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
)

func TestDeadline_isTheGatewaysOrOurs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edge  httpapi.Edge
		sent  string
		whole time.Duration
		most  time.Duration // of what is left; 0: no end
	}{
		"from the gateway":             {httpapi.EdgeGateway, "1500", 0, 1500 * time.Millisecond},
		"beyond all bounds":            {httpapi.EdgeGateway, "9000000000000000000", 0, 24 * time.Hour},
		"none":                         {httpapi.EdgeGateway, "", 0, 0},
		"no number":                    {httpapi.EdgeGateway, "soon", 0, 0},
		"nothing left":                 {httpapi.EdgeGateway, "0", 0, 0},
		"from a stranger":              {httpapi.EdgeDirect, "1500", 0, 0},
		"the gateway's, which is less": {httpapi.EdgeGateway, "1500", time.Minute, 1500 * time.Millisecond},
		"ours, which is less":          {httpapi.EdgeGateway, "60000", time.Second, time.Second},
		"ours alone":                   {httpapi.EdgeGateway, "", time.Second, time.Second},
		"ours, whatever strangers say": {httpapi.EdgeDirect, "60000", time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var left time.Duration
			api, _ := newAPI(func(c *httpapi.Config) { c.Edge, c.Whole = tc.edge, tc.whole })
			httpapi.Register(api.Huma(), huma.Operation{OperationID: "left", Method: http.MethodGet, Path: "/left"},
				func(ctx context.Context, _ *struct{}) (*struct{}, error) {
					if end, ok := ctx.Deadline(); ok {
						left = time.Until(end)
					}
					return nil, nil
				})
			r := newRequest(http.MethodGet, "/left", nil)
			r.Header.Set("X-Request-Timeout", tc.sent)
			do(api, r)
			if (left > 0) != (tc.most > 0) || left > tc.most {
				t.Errorf("%s are left, want at most %s", left, tc.most)
			}
		})
	}
}

func TestDeadline_endsWorkThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(nil)
	httpapi.Register(api.Huma(), huma.Operation{OperationID: "wait", Method: http.MethodGet, Path: "/wait"},
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
	r := newRequest(http.MethodGet, "/wait", nil)
	r.Header.Set("X-Request-Timeout", "20")
	if got := do(api, r); got.status != http.StatusServiceUnavailable || got.document(t).Code != "UNAVAILABLE" {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
