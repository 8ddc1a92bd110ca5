package stripetest

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// sendTimeout is how long an endpoint may take to accept an event.
const sendTimeout = 10 * time.Second

// parcel is an event on its way.
type parcel struct {
	id   string
	body []byte
}

// delivery sends events in the order in which they were made, one at a time; one
// that is refused is sent again, a bounded number of times, before the next.
type delivery struct {
	server *Server
	client *http.Client
	stop   context.CancelFunc
	ctx    context.Context
	done   chan struct{}

	mu      sync.Mutex
	url     string
	held    bool
	queue   []parcel
	changed chan struct{} // closed and renewed at every change: whoever waits looks again
}

func newDelivery(s *Server) *delivery {
	ctx, stop := context.WithCancel(context.Background())
	return &delivery{
		server: s, ctx: ctx, stop: stop, done: make(chan struct{}), url: s.options.WebhookURL, changed: make(chan struct{}),
		client: &http.Client{Timeout: sendTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

func (d *delivery) start(waiting []parcel) {
	d.update(func() { d.queue = waiting }) // the seed's events are among them
	go d.run()
}

func (d *delivery) close() {
	d.stop()
	<-d.done
	d.client.CloseIdleConnections()
}

// update changes the delivery and wakes everybody who waits.
func (d *delivery) update(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *delivery) add(id string, body []byte) {
	d.update(func() { d.queue = append(d.queue, parcel{id, body}) })
}
func (d *delivery) setURL(url string) { d.update(func() { d.url = url }) }
func (d *delivery) hold(on bool)      { d.update(func() { d.held = on }) }

func (d *delivery) target() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.url
}

// next waits for an event that may be sent.
func (d *delivery) next() (parcel, bool) {
	for {
		d.mu.Lock()
		changed := d.changed
		if len(d.queue) > 0 && !d.held && d.url != "" {
			p := d.queue[0]
			d.mu.Unlock()
			return p, true
		}
		d.mu.Unlock()
		select {
		case <-d.ctx.Done():
			return parcel{}, false
		case <-changed:
		}
	}
}

func (d *delivery) run() {
	defer close(d.done)
	for {
		p, ok := d.next()
		if !ok {
			return
		}
		taken := d.send(p)
		if d.ctx.Err() != nil {
			return // what was not taken is sent by the next run
		}
		if taken {
			d.server.delivered(p.id)
		} else {
			d.server.options.Log.Warn("nobody took the event", "event_id", p.id, "attempts", d.server.options.Attempts)
		}
		d.update(func() { d.queue = d.queue[1:] })
	}
}

// send tries until the event is taken or the attempts are used up.
func (d *delivery) send(p parcel) bool {
	for attempt := 1; attempt <= d.server.options.Attempts; attempt++ {
		if d.try(p) {
			return true
		}
		select {
		case <-d.ctx.Done():
			return false
		case <-time.After(d.server.options.Pause(attempt)):
		}
	}
	return false
}

func (d *delivery) try(p parcel) bool {
	r, err := d.server.request(d.target(), p)
	if err != nil {
		return false
	}
	res, err := d.client.Do(r.WithContext(d.ctx))
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	_ = res.Body.Close()
	return res.StatusCode >= 200 && res.StatusCode < 300
}

// settle waits until nothing is on its way. Without an endpoint nothing ever is.
func (d *delivery) settle(ctx context.Context) error {
	for {
		d.mu.Lock()
		changed, idle := d.changed, len(d.queue) == 0 || d.url == ""
		d.mu.Unlock()
		if idle {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
