package main

import (
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// forwardedLines are the same for every request: how people reach us. They come
// from PUBLIC_URL and not from the request, whose Host is the client's to choose.
type forwardedLines struct{ host, proto []string }

func newForwardedLines(public config.URL) forwardedLines {
	own, err := url.Parse(public.String())
	if err != nil {
		return forwardedLines{}
	}
	return forwardedLines{host: []string{own.Host}, proto: []string{own.Scheme}}
}

// forward passes the request on to the class's service, or answers it here.
func (g *gate) forward(k *call) error {
	if k.policy.proxy == nil {
		return k.policy.answer(g, k)
	}
	var result upstream.Result
	// Deferred: an answer that breaks off is written down too.
	defer func() { k.rec.FirstByte, k.rec.Received = result.FirstByte, result.Received }()
	return k.policy.proxy.Serve(k.Response(), k.Request(), upstream.Outgoing{
		Header: g.outgoing(k),
		Modify: func(answer http.Header, from *http.Response) { g.modify(k, answer, from) },
		Result: &result,
	})
}

// outgoing are the lines that only the gateway may write.
func (g *gate) outgoing(k *call) http.Header {
	ctx := k.Request().Context()
	h := http.Header{
		"X-Request-Id":      {observability.RequestID(ctx)},
		"X-Forwarded-For":   {k.address.String()},
		"X-Forwarded-Host":  g.forwarded.host,
		"X-Forwarded-Proto": g.forwarded.proto,
	}
	if k.caller.Token != "" {
		h["Authorization"] = []string{"Bearer " + k.caller.Token}
	}
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(h))
	return h
}

// modify has the last word on a service's answer.
func (g *gate) modify(k *call, answer http.Header, from *http.Response) {
	if k.policy.cookies && g.cookies.TouchesSession(from.Header["Set-Cookie"]) {
		answer["Set-Cookie"] = append(answer["Set-Cookie"], g.cookies.Expire())
		g.resolver.Forget(k.Request().Header)
	}
	if k.caller.UserID != "" && !strings.Contains(answer.Get("Cache-Control"), "no-store") {
		answer["Cache-Control"] = noStore // somebody's own data
	}
}

var noStore = []string{"no-store"}
