package revocation

import (
	"container/list"
	"time"

	"github.com/codex-platform/codex/pkg/security"
)

// maxWatches bounds the sessions that are watched, about 20 MiB.
const maxWatches = 65_536

var closed = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// watch is one session somebody waits for the end of.
type watch struct {
	session, user string
	issued        time.Time // when the latest of its tokens was
	ended         chan struct{}
}

// watches are all of them, the one asked for longest ago first. Set's lock guards
// them. Only the end of a user, which is rare, looks at all.
type watches struct {
	order *list.List
	found map[string]*list.Element
}

func newWatches() watches {
	return watches{order: list.New(), found: map[string]*list.Element{}}
}

// add finds or makes the watch of a token's session. A foreign token may have no
// session: then its user stands for it.
func (w *watches) add(c security.Claims) <-chan struct{} {
	key := watchKey(c.SessionID, c.Subject)
	e := w.found[key]
	if e == nil {
		if w.order.Len() >= maxWatches {
			w.end(w.order.Front())
		}
		e = w.order.PushBack(&watch{session: c.SessionID, user: c.Subject, ended: make(chan struct{})})
		w.found[key] = e
	}
	w.order.MoveToBack(e)
	one := of(e)
	if c.IssuedAt.After(one.issued) {
		one.issued = c.IssuedAt
	}
	return one.ended
}

func (w *watches) endSession(id string) {
	if e := w.found[watchKey(id, "")]; e != nil {
		w.end(e)
	}
}

func (w *watches) endUser(id string, at time.Time) {
	for e := w.order.Front(); e != nil; {
		next := e.Next()
		if one := of(e); one.user == id && !one.issued.After(at) {
			w.end(e)
		}
		e = next
	}
}

func (w *watches) end(e *list.Element) {
	one := of(e)
	close(one.ended)
	w.order.Remove(e)
	delete(w.found, watchKey(one.session, one.user))
}

func of(e *list.Element) *watch {
	one, _ := e.Value.(*watch)
	return one
}

// watchKey keeps sessions and users apart: no id has a blank.
func watchKey(session, user string) string {
	if session == "" {
		return "user " + user
	}
	return session
}
