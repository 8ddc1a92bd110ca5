package upstream

import (
	"sync/atomic"
	"time"
)

const (
	window      = int64(10 * time.Second)
	enough      = 50 // exchanges in a window before their failures mean anything
	deadDials   = 5  // in a row: no client can cause those
	coolDown    = int64(2 * time.Second)
	budgetShare = 10  // exchanges that pay for one retry
	budgetMost  = 500 // in shares: 50 retries at once
)

// circuit stops asking a service that fails. It opens when half of the exchanges
// of a window failed in transport, or when dials fail in a row: a single caller
// who makes a service break off must not be able to close it for all.
type circuit struct {
	until atomic.Int64 // closed: 0; else refused before this time
	began atomic.Int64
	total atomic.Int64
	fails atomic.Int64
	dials atomic.Int64 // failed in a row
}

func (c *circuit) open() bool { return c.until.Load() != 0 }

// allow says whether a request may go. Once the cool-down is over, one at a time
// tries how it is.
func (c *circuit) allow(now int64) bool {
	until := c.until.Load()
	return until == 0 || now >= until && c.until.CompareAndSwap(until, now+coolDown)
}

func (c *circuit) success(now int64) {
	c.turn(now)
	c.total.Add(1)
	if c.dials.Load() != 0 {
		c.dials.Store(0)
	}
	if c.until.Load() != 0 {
		c.until.Store(0)
		c.began.Store(0)
	}
}

func (c *circuit) failure(now int64, dial bool) {
	c.turn(now)
	total, fails, dials := c.total.Add(1), c.fails.Add(1), int64(0)
	if dial {
		dials = c.dials.Add(1)
	}
	if c.until.Load() != 0 || dials >= deadDials || total >= enough && 2*fails >= total {
		c.until.Store(now + coolDown)
	}
}

// turn begins a new window where the last is over.
func (c *circuit) turn(now int64) {
	began := c.began.Load()
	if (began == 0 || now-began > window) && c.began.CompareAndSwap(began, now) {
		c.total.Store(0)
		c.fails.Store(0)
	}
}

// budget lets a tenth of the traffic be retries.
type budget struct{ shares atomic.Int64 }

func (b *budget) earn() {
	if b.shares.Load() < budgetMost {
		b.shares.Add(1)
	}
}

func (b *budget) spend() bool {
	if b.shares.Add(-budgetShare) >= 0 {
		return true
	}
	b.shares.Add(budgetShare)
	return false
}
