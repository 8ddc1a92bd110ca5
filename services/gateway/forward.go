package main

import (
	"net/http"
	"strings"
)

// forward passes the request on to the class's service, or answers it here.
func (g *gate) forward(k *call) error {
	if k.policy.proxy == nil {
		k.allowWrites()
		return k.policy.answer(g, k)
	}
	if k.Request().ContentLength != 0 {
		k.allowWrites() // "100 Continue" is written before the answer's own time begins
	}
	k.outgoing()
	return k.policy.proxy.Serve(k.Response(), k.Request(), &k.out)
}

// outgoing fills in the lines that only the gateway may write.
//
//go:noinline // forward's frame stays as long as the request
func (k *call) outgoing() {
	out := &k.out
	out.Authorization, out.RequestID, out.Traceparent = k.caller.Authorization, k.rec.RequestID, k.traceparent
	out.Client, out.Forwarded = k.peer.text, k.peer.forwarded
	out.Answerer = k
	if whole := k.policy.times.Whole; whole > 0 && !k.upgrades() {
		out.Deadline = k.rec.Began.Add(whole)
	} else { // what may take for ever ends with the session
		out.Done = k.caller.Ended()
	}
}

// Answer has the last word on a service's answer.
func (k *call) Answer(status int, answer http.Header) {
	k.answered(status)
	k.settle(status)
	if status == http.StatusSwitchingProtocols { // not written through the response, which would know it
		k.Response().Status = status
	}
	if k.policy.cookies && k.gate.cookies.TouchesSession(answer["Set-Cookie"]) {
		answer["Set-Cookie"] = append(answer["Set-Cookie"], k.gate.cookies.Expire())
		k.gate.resolver.Forget(k.Request().Header)
	}
	if k.caller.UserID != "" && !strings.Contains(answer.Get("Cache-Control"), "no-store") {
		answer["Cache-Control"] = noStore // somebody's own data
	}
}

var noStore = []string{"no-store"}
