package op

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"brygga/storage"
)

// Bounds of the delivery of notices.
const (
	noticeEvery    = 5 * time.Second  // between looks into the store, when nothing in this process brings about one
	noticeBatch    = 64               // notices claimed in one step
	noticesAtOnce  = 256              // notices in hand, waiting or being sent
	noticesPerHost = 4                // calls to one host at once
	noticePatience = 20 * time.Second // less than noticeRetry: a notice that waits for longer is left to its next turn
	hostPause      = 15 * time.Second // after a host has not answered
)

// Run tells clients of the ends of their sessions and of the orders of their programs, and of the logins by telephone that Notify names, until ctx is done: at once what this process brought about, and every few
// seconds what other processes, earlier failures or a restart have left. It then waits for the calls under way and returns
// nil; what was not delivered stays in the store. Several processes may run on one store.
func (p *Provider) Run(ctx context.Context) error {
	c := &courier{p: p, hosts: make(map[string]*noticeHost)}
	g := &pinger{p: p, held: make(map[string]int)}
	ticker := time.NewTicker(noticeEvery)
	defer ticker.Stop()
	c.collect(ctx)
	for {
		select {
		case <-ctx.Done():
			c.work.Wait()
			g.work.Wait()
			return nil
		case login := <-p.pings:
			g.take(ctx, login)
			continue
		case <-ticker.C:
		case <-p.notices:
		}
		c.collect(ctx)
	}
}

// tellClients lets Run look for notices at once.
func (p *Provider) tellClients() {
	select {
	case p.notices <- struct{}{}:
	default: // it is about to look
	}
}

// courier carries notices to clients, many at a time but few to each host. A host that does not answer holds up nobody
// else: what waits for it is put back, and it gets one call at a time until it answers again.
type courier struct {
	p     *Provider
	work  sync.WaitGroup
	mu    sync.Mutex
	hosts map[string]*noticeHost
	held  int
}

// noticeHost is a host with notices in hand, or one that has failed lately.
type noticeHost struct {
	calls  chan struct{} // one for each call under way
	held   int
	failed bool
	pause  time.Time // no call before then
}

// collect claims what is due, as far as there is room for it.
func (c *courier) collect(ctx context.Context) {
	for ctx.Err() == nil {
		limit := c.room()
		if limit == 0 {
			return // the delivery that makes room calls again
		}
		notices, err := c.p.o.Store.ClaimNotices(ctx, c.p.now(), limit, retryNotice)
		if err != nil {
			if ctx.Err() == nil {
				c.p.fault(ctx, "claim notices", err)
			}
			return
		}
		for i := range notices {
			c.take(ctx, &notices[i])
		}
		if len(notices) < limit {
			return
		}
	}
}

func (c *courier) room() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return min(noticeBatch, noticesAtOnce-c.held)
}

// take begins the delivery of a claimed notice, unless there is nobody to deliver it to.
func (c *courier) take(ctx context.Context, notice *storage.Notice) {
	working := context.WithoutCancel(ctx)
	client, err := c.p.noticeClient(working, notice)
	switch {
	case err != nil:
		c.p.fault(working, "read client", err)
		return
	case client == nil:
		c.p.closeNotice(working, nil, notice, noticeMoot)
		return
	}
	d := deliveryOf(notice)
	host := hostOf(d.address(client))
	h, ok := c.enter(host)
	if !ok {
		c.p.closeNotice(working, client, notice, noticePaused)
		return
	}
	patience := c.p.now().Add(noticePatience)
	c.work.Go(func() {
		defer c.leave(host, h)
		select {
		case h.calls <- struct{}{}:
			defer func() { <-h.calls }()
		case <-ctx.Done():
			return
		}
		if ctx.Err() != nil {
			return
		}
		if c.p.now().After(patience) || !c.mayCall(h) {
			c.p.closeNotice(working, client, notice, noticePaused)
			return
		}
		outcome, status := d.send(c.p, working, client, notice)
		c.note(h, outcome, status)
		c.p.closeNotice(working, client, notice, outcome)
	})
}

// enter counts a notice in for its host. It returns false when the host has failed and is paused, or is being tried.
func (c *courier) enter(host string) (*noticeHost, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.hosts[host]
	if h == nil {
		h = &noticeHost{calls: make(chan struct{}, noticesPerHost)}
		c.hosts[host] = h
	}
	if h.failed && (h.held > 0 || c.p.now().Before(h.pause)) {
		return nil, false
	}
	h.held++
	c.held++
	return h, true
}

// leave counts the notice out.
func (c *courier) leave(host string, h *noticeHost) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.held--
	c.held--
	if h.held == 0 && !h.failed {
		delete(c.hosts, host)
	}
	if c.held == noticesAtOnce/2 {
		c.p.tellClients() // more may be due than there was room for
	}
}

// mayCall reports whether the host may be called: it may have failed while the notice waited.
func (c *courier) mayCall(h *noticeHost) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !h.failed || !c.p.now().Before(h.pause)
}

// note takes over what a call says of the host. An answer that is wrong in itself says nothing: the next client behind the
// same name may do better.
func (c *courier) note(h *noticeHost, outcome string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.failed = status == 0 && outcome != noticeFault || status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
	if h.failed {
		h.pause = c.p.now().Add(hostPause)
	}
}

// hostOf returns the host of a client's address, with its port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return strings.ToLower(u.Host)
}
