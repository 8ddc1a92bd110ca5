package main

import (
	"fmt"
	"strings"
	"testing"
)

// recorded gives the events of one request as "kind outcome reason who", where who
// is "self" for the person it is about.
func (w *world) recorded(r reply) string {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), `
		SELECT kind, outcome, coalesce(details->>'reason', details->>'changed', details->>'permission', ''),
		       CASE WHEN actor_id IS NULL THEN 'somebody' WHEN actor_id = user_id THEN 'self' ELSE actor_id END
		FROM better_auth.audit_events WHERE request_id = $1 ORDER BY at, id`, r.header.Get("X-Request-Id"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var events []string
	for rows.Next() {
		var kind, outcome, reason, who string
		if err := rows.Scan(&kind, &outcome, &reason, &who); err != nil {
			w.t.Fatal(err)
		}
		events = append(events, fmt.Sprintf("%s %s %q %s", kind, outcome, reason, who))
	}
	return strings.Join(events, "; ")
}

func (w *world) wantRecord(what string, r reply, want string) {
	w.t.Helper()
	if got := w.recorded(r); got != want {
		w.t.Errorf("%s (%d %s) left the record %s, want %s", what, r.status, r.code(), got, want)
	}
}

// AUTH-20: what people change of themselves is recorded by name, never by value; it
// may be what they sign in with.
func TestAudit_recordsChangesOfProfiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"USER_FIELDS": "plan:string"}})
	b, id := w.person()
	w.wantRecord("a name", b.post("/update-user", members{"name": "Augusta"}), `profile_change success "name" self`)
	w.wantRecord("all", b.post("/update-user", members{"image": nil, "username": "ada_l", "plan": "free"}), `profile_change success "image username fields" self`)
	w.wantRecord("nothing", b.post("/update-user", members{}), ``)
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE user_id = $1 AND details::text ~ 'Augusta|ada_l'`, id); n != 0 {
		t.Errorf("%d records hold values", n)
	}
}
