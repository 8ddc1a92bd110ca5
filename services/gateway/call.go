package main

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/trace"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/services/gateway/internal/access"
	"github.com/codex-platform/codex/services/gateway/internal/identity"
	"github.com/codex-platform/codex/services/gateway/internal/overload"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// call is one request on its way through the stages. Calls are used again: nothing
// may hold on to one after its request.
type call struct {
	echo.Context
	gate        *gate
	policy      *policy
	allowed     bool // the method is
	allow       string
	peer        *peer
	caller      identity.Caller
	identified  bool   // caller was known to memory before it was charged
	traceparent string // of the trace that the services go on with
	userCharged bool
	checks      []check
	charged     charged
	decisions   []cache.Decision
	guarded     bool // the security headers are set
	ctx         context.Context
	span        trace.Span // of a sampled request
	lines       *lines
	out         upstream.Outgoing
	place       overload.Place // while the service has the request and has not begun to answer
	rec         access.Record
}

// lines are the values of headers that no other request shares, in one allocation.
// They belong to the answer and live as long as that.
type lines struct {
	id, limits [1]string
}

var callPool = sync.Pool{New: func() any { return new(call) }}

// begin takes a call for the request. x is nil where no path fits.
func (g *gate) begin(c echo.Context, x *crossing) *call {
	k, _ := callPool.Get().(*call)
	r := c.Request()
	k.Context, k.gate, k.policy, k.lines = c, g, g.fallback, new(lines)
	if x != nil {
		k.policy, k.allowed = x.pick(r.Method)
		k.allow = x.allow
	}
	k.peer = g.peer(r)
	ids := g.head.NewTrace()
	k.rec = access.Record{
		Began: time.Now(), Class: k.policy.name, Method: access.CleanMethod(r.Method), Proto: r.Proto,
		Path: access.Shown(r.URL.Path, k.policy.shownCut), Client: k.peer.text, Trace: ids,
	}
	k.rec.RequestID, k.traceparent = newNames(ids)
	if ids.IsSampled() {
		k.ctx, k.span = g.recorder.Start(r.Context(), &k.rec)
		k.ctx = observability.WithRequestID(k.ctx, k.rec.RequestID)
	}
	return k
}

// end makes the call ready for another request.
func (k *call) end() {
	*k = call{decisions: k.decisions[:0], checks: k.checks[:0]}
	callPool.Put(k)
}

// context is the request's with its ids. It is made where somebody needs it: most
// requests go through without.
func (k *call) context() context.Context {
	if k.ctx == nil {
		k.ctx = observability.WithRequestID(trace.ContextWithSpanContext(k.Request().Context(), k.rec.Trace), k.rec.RequestID)
	}
	return k.ctx
}

// allowWrites gives the client its time for an answer of our own. A connection may
// carry the write deadline of its last request.
func (k *call) allowWrites() {
	_ = http.NewResponseController(k.Response().Writer).SetWriteDeadline(time.Now().Add(writeLimit))
}

// writeLimit is how long a client may take to read an answer of our own.
const writeLimit = 10 * time.Second

const (
	idLength    = 26
	idBits      = 5
	traceLength = 55
	idDigits    = "abcdefghijklmnopqrstuvwxyz234567"
)

// newNames makes the request's id, 26 letters and digits from 130 random bits, and
// the traceparent line (W3C Trace Context §3.2), in one allocation.
func newNames(ids trace.SpanContext) (id, traceparent string) {
	var b [idLength + traceLength]byte
	bits, left := uint64(0), 0
	for i := range idLength {
		if left < idBits {
			bits, left = rand.Uint64(), 64
		}
		b[i] = idDigits[bits&31]
		bits, left = bits>>idBits, left-idBits
	}
	traceID, spanID := ids.TraceID(), ids.SpanID()
	out := append(b[:idLength], "00-"...)
	out = append(hex.AppendEncode(out, traceID[:]), '-')
	out = append(hex.AppendEncode(out, spanID[:]), '-', '0', '0')
	if ids.IsSampled() {
		out[len(out)-1] = '1'
	}
	both := string(out)
	return both[:idLength], both[idLength:]
}
