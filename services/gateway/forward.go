package main

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// forward passes the request on to the class's service, or answers it here.
func (g *gate) forward(k *call) error {
	if k.policy.proxy == nil {
		return k.policy.answer(g, k)
	}
	out := k.outgoing(g)
	// Deferred: an answer that breaks off is written down too.
	defer func() { k.rec.FirstByte, k.rec.Received = out.Result.FirstByte, out.Result.Received }()
	return k.policy.proxy.Serve(k.Response(), k.Request(), out)
}

// outgoing are the lines that only the gateway may write.
func (k *call) outgoing(g *gate) *upstream.Outgoing {
	ctx := k.Request().Context()
	out := &upstream.Outgoing{
		RequestID: observability.RequestID(ctx), Client: k.address.String(), Answerer: answerer{g, k},
	}
	if k.caller.Token != "" {
		out.Authorization = "Bearer " + k.caller.Token
	}
	trace := propagation.MapCarrier{}
	otel.GetTextMapPropagator().Inject(ctx, trace)
	out.Traceparent, out.Tracestate = trace["traceparent"], trace["tracestate"]
	return out
}

// answerer has the last word on a service's answer.
type answerer struct {
	gate *gate
	call *call
}

func (a answerer) Answer(_ int, answer http.Header) {
	g, k := a.gate, a.call
	if k.policy.cookies && g.cookies.TouchesSession(answer["Set-Cookie"]) {
		answer["Set-Cookie"] = append(answer["Set-Cookie"], g.cookies.Expire())
		g.resolver.Forget(k.Request().Header)
	}
	if k.caller.UserID != "" && !strings.Contains(answer.Get("Cache-Control"), "no-store") {
		answer["Cache-Control"] = noStore // somebody's own data
	}
}

var noStore = []string{"no-store"}
