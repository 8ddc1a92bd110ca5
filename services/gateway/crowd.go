package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/codex-platform/codex/services/gateway/internal/access"
	"github.com/codex-platform/codex/services/gateway/internal/overload"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// full refuses a request whose class's service has enough to do, before anything is
// spent on it. A preflight goes no further than here and is answered.
func (g *gate) full(c echo.Context, x *crossing) bool {
	r := c.Request()
	p, _ := x.pick(r.Method)
	if p.admission == nil || p.admission.Enter() || r.Method == http.MethodOptions {
		return false
	}
	g.shed(c, p)
	return true
}

// shed answers for a service that has enough to do.
//
//go:noinline // its frame would stay on the stack of every request
func (g *gate) shed(c echo.Context, p *policy) {
	w, r := c.Response().Writer, c.Request()
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(writeLimit))
	if r.ContentLength != 0 {
		upstream.Linger(control)
	}
	if p.shared {
		p.sharing.Mark(w.Header(), r)
	}
	if ambiguous(r) {
		w.Header()["Connection"] = closing
	}
	p.shed.Write(w, r)
	g.recorder.Shed(r.Context(), &access.Record{Class: p.name, Status: overload.ErrOverloaded.Status, Code: overload.ErrOverloaded.Code})
}

// Sent begins the service's time.
func (k *call) Sent() {
	if k.policy.admission != nil {
		k.place.Leave() // of the first attempt
		k.place = k.policy.admission.Wait()
	}
}

// answered ends it. A service that refuses is quick, which says nothing about how
// long its work takes.
func (k *call) answered(status int) {
	if status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
		k.place.Answered()
	}
	k.place.Leave()
}

// leave is for an exchange without an answer: where time was up, that is the
// longest that an answer can take.
func (k *call) leave() {
	if k.out.Result.Kind == "slow" {
		k.place.Answered()
	}
	k.place.Leave()
}

// measureCrowds shows how near each class is to being refused.
func (g *gate) measureCrowds() error {
	admissions := map[string]*overload.Admission{}
	for _, x := range g.crossings {
		for _, p := range x.byMethod {
			if p.admission != nil {
				admissions[p.name] = p.admission
			}
		}
	}
	meter := otel.Meter("gateway")
	for name, of := range map[string]func(*overload.Admission) int64{
		"gateway.admission.waiting": (*overload.Admission).Waiting, "gateway.admission.limit": (*overload.Admission).Limit,
	} {
		_, err := meter.Int64ObservableGauge(name, metric.WithDescription("Requests that a service has and has not begun to answer, and how many there may be"),
			metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
				for class, a := range admissions {
					o.Observe(of(a), metric.WithAttributes(attribute.String("class", class)))
				}
				return nil
			}))
		if err != nil {
			return fmt.Errorf("make metric: %w", err)
		}
	}
	return nil
}
