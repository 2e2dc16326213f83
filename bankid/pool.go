package bankid

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	// idleTimeout closes connections before BankID does: a call on a connection that the other side closes at that moment
	// is lost, and lost calls are not sent again.
	idleTimeout = 30 * time.Second
	// maxDials is how many connections are made at once. A handshake costs as much as thirty calls, and calls end meanwhile and leave
	// their connections: of a hundred starts at once all are through in half the time, with half of the connections.
	maxDials = 8
	// dialPatience is how long a connection in the making counts as one of those: one that hangs costs nothing and holds up no others.
	dialPatience = 250 * time.Millisecond
)

var errClosed = errors.New("the API is closed")

// pool keeps connections to BankID. It makes one only for a call that waits while none is idle, so there are never more of them
// than there have been calls at once; slots bounds those. Calls that wait are served in the order in which they came, by
// connections that become free as well as by new ones.
type pool struct {
	dial   func(ctx context.Context) (*conn, error)
	ready  func(c *conn, deadline time.Time) bool // (*conn).ready
	ctx    context.Context                        // ends with close
	cancel context.CancelFunc
	dials  sync.WaitGroup

	mu         sync.Mutex
	idle       []*conn // the one that was used last stands last, and serves first
	waiting    []chan arrival
	dialing    int // connections in the making
	fresh      int // of those, the ones that do not hang
	generation int // goes up when connections made before are not to be kept any longer
	sweeper    *time.Timer
}

// arrival is what a waiting call gets: a connection, or why there is none.
type arrival struct {
	conn *conn
	err  error
}

func newPool(dial func(ctx context.Context) (*conn, error)) *pool {
	p := &pool{dial: dial, ready: (*conn).ready}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// call sends r and reads the response, its body into body. What BankID may have read is not sent again, as an order may have come of
// it; a connection that was kept and turns out to be closed beforehand is replaced.
func (p *pool) call(ctx context.Context, deadline time.Time, r httpRequest, body *bytes.Buffer) (httpResponse, error) {
	resp, again, err := p.try(ctx, deadline, r, body)
	if again {
		resp, _, err = p.try(ctx, deadline, r, body)
	}
	return resp, err
}

func (p *pool) try(ctx context.Context, deadline time.Time, r httpRequest, body *bytes.Buffer) (resp httpResponse, again bool, err error) {
	c, err := p.get(ctx, deadline)
	if err != nil {
		return httpResponse{}, false, err
	}
	kept := !c.fresh()
	resp, err = c.exchange(ctx, r, body)
	switch {
	case c.reusable:
		p.put(c)
	case err != nil:
		c.drop()
	default:
		c.close()
	}
	return resp, err != nil && kept && ctx.Err() == nil && c.lost(r, err), err
}

// get returns a connection that can serve a call: one that is idle, or else the first that becomes free or is made.
func (p *pool) get(ctx context.Context, deadline time.Time) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // who has given up before costs no connection
	}
	for {
		c, turn := p.next()
		if c == nil {
			var err error
			if c, err = p.wait(ctx, deadline, turn); err != nil {
				return nil, err
			}
		}
		if p.ready(c, deadline) || c.fresh() { // a new one that cannot serve says why when it is used
			return c, nil
		}
		c.drop()
	}
}

// next returns an idle connection, or a place among those who wait.
func (p *pool) next() (*conn, chan arrival) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.idle) - 1; last >= 0 {
		c := p.idle[last]
		p.idle[last] = nil
		p.idle = p.idle[:last]
		return c, nil
	}
	turn := make(chan arrival, 1)
	p.waiting = append(p.waiting, turn)
	if p.ctx.Err() != nil {
		p.give(arrival{err: errClosed})
	}
	p.dialMore()
	return nil, turn
}

func (p *pool) wait(ctx context.Context, deadline time.Time, turn chan arrival) (*conn, error) {
	within, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	select {
	case a := <-turn:
		return a.conn, a.err
	case <-within.Done():
	}
	if !p.leave(turn) {
		if a := <-turn; a.conn != nil { // its turn came at the same moment
			p.put(a.conn)
		}
	}
	return nil, within.Err()
}

// leave gives up a place among those who wait, and reports whether it was still one.
func (p *pool) leave(turn chan arrival) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting, turn)
	if i < 0 {
		return false
	}
	p.waiting = slices.Delete(p.waiting, i, i+1)
	return true
}

// dialMore makes a connection for each call that waits, a few at once. The caller holds mu.
func (p *pool) dialMore() {
	for p.ctx.Err() == nil && p.dialing < len(p.waiting) && p.fresh < maxDials {
		p.dialing++
		p.fresh++
		generation := p.generation
		p.dials.Go(func() { p.connect(generation) })
	}
}

// connect makes a connection and lets a call have it, or the reason why there is none.
func (p *pool) connect(generation int) {
	hanging := time.AfterFunc(dialPatience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.fresh--
		p.dialMore()
	})
	c, err := p.dial(p.ctx)
	if err == nil {
		c.generation = generation
	}
	p.mu.Lock()
	p.dialing--
	if hanging.Stop() {
		p.fresh--
	}
	unwanted := p.give(arrival{c, err})
	p.dialMore()
	p.mu.Unlock()
	closeAll(unwanted)
}

// put takes back a connection that can serve another call.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	unwanted := p.give(arrival{conn: c})
	p.mu.Unlock()
	closeAll(unwanted)
}

// give lets whoever waits longest have a, or keeps its connection, or returns it to be closed. The caller holds mu.
func (p *pool) give(a arrival) (unwanted []*conn) {
	stale := a.conn != nil && a.conn.generation != p.generation
	switch {
	case len(p.waiting) > 0 && !(stale && a.conn.calls > 0):
		p.waiting[0] <- a
		p.waiting = p.waiting[1:]
	case stale:
		return []*conn{a.conn}
	case a.conn != nil:
		a.conn.since = time.Now()
		p.idle = append(p.idle, a.conn)
		if p.sweeper == nil {
			p.sweeper = time.AfterFunc(idleTimeout, p.sweep)
		}
	}
	return nil
}

// sweep closes connections that have been idle too long.
func (p *pool) sweep() {
	p.mu.Lock()
	now, old := time.Now(), 0
	for old < len(p.idle) && now.Sub(p.idle[old].since) >= idleTimeout {
		old++
	}
	unwanted := p.idle[:old:old]
	p.idle, p.sweeper = slices.Clone(p.idle[old:]), nil
	if len(p.idle) > 0 {
		p.sweeper = time.AfterFunc(idleTimeout-now.Sub(p.idle[0].since), p.sweep)
	}
	p.mu.Unlock()
	closeAll(unwanted)
}

// renew closes what is idle, and keeps no connection that was made before.
func (p *pool) renew() {
	p.mu.Lock()
	unwanted := p.idle
	p.idle = nil
	p.generation++
	p.mu.Unlock()
	closeAll(unwanted)
}

// close closes what is idle and ends the making of connections. Calls that wait for one, and later ones, get errClosed.
func (p *pool) close() {
	p.mu.Lock()
	p.cancel()
	for len(p.waiting) > 0 {
		p.give(arrival{err: errClosed})
	}
	p.mu.Unlock()
	p.dials.Wait()
	p.renew()
}

func closeAll(conns []*conn) {
	for _, c := range conns {
		c.close()
	}
}
