package httpapi

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"time"
)

// Private serves what only operators and the platform may see (LOG-07):
// /livez, /readyz, /metrics, and /debug/pprof when it is switched on.
//
// Liveness depends on nothing but the process (DEP-07): a restart would not
// bring a database back. Readiness is Health's; ?verbose names the dependencies.
func Private(health *Health, metrics http.Handler, profiles bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeState(w, http.StatusOK, readiness{Status: StatusOK})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		state, status := readiness{Status: StatusOK}, http.StatusOK
		if !health.Ready() {
			state.Status, status = StatusUnavailable, http.StatusServiceUnavailable
		}
		if r.URL.Query().Has("verbose") {
			state.Checks = health.States()
		}
		writeState(w, status, state)
	})
	mux.Handle("GET /metrics", metrics)
	if profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return bodiless(mux)
}

// bodiless refuses requests with a body, which nobody here reads: before it
// answers, net/http would wait for one that was announced and never comes.
func bodiless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // a recorder in a test knows no deadlines
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
}

type readiness struct {
	Status string  `json:"status"`
	Checks []State `json:"checks,omitempty"`
}

func writeState(w http.ResponseWriter, status int, state readiness) {
	w.Header().Set("Content-Type", mediaJSON)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(state)
}
