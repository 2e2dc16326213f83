package login

import (
	"sync"
	"time"

	"brygga/limit"
)

// Limits bound how much may be begun. An order costs money, and a login room in the store, so each of them is checked before one is
// made. Zero fields mean the default.
type Limits struct {
	// LoginsPerAddress and OrdersPerAddress are per minute and network address (see [limit.Addresses]). They must leave room
	// for a whole office behind one address. An order that is renewed counts as one more. Defaults 600 and 300.
	LoginsPerAddress, OrdersPerAddress int
	// OrdersPerClient is per minute and client, renewals included. A network may have had as many of them as are left.
	// Default 6000.
	OrdersPerClient int
	// PendingOrders is how many orders may be pending at once, in all; those of one network as many as are left. Default 50000.
	PendingOrders int
	// StoredPerAddress is how many bytes the logins that one network address has begun may take in the store, and Stored those of
	// all. A network may have as much of the latter as is left. Defaults 64 MiB and 2 GiB.
	StoredPerAddress, Stored int
}

// LimitError says that too much was begun and when to try again.
type LimitError = limit.Error

// limiter counts what is begun.
type limiter struct {
	mu             sync.Mutex // held from a check to what it allows
	logins, orders *limit.Addresses
	clients        *limit.Shared[string]
	pending        int

	stored    *limit.Addresses
	allStored *limit.Shared[struct{}]
}

func newLimiter(l Limits, life time.Duration, now func() time.Time) *limiter {
	setDefault(&l.LoginsPerAddress, 600)
	setDefault(&l.OrdersPerAddress, 300)
	setDefault(&l.OrdersPerClient, 6000)
	setDefault(&l.PendingOrders, 50_000)
	setDefault(&l.StoredPerAddress, 64<<20)
	setDefault(&l.Stored, 2<<30)
	return &limiter{
		logins: limit.NewAddresses(l.LoginsPerAddress, now), orders: limit.NewAddresses(l.OrdersPerAddress, now),
		clients: limit.NewShared[string](l.OrdersPerClient, time.Minute, now), pending: l.PendingOrders,
		stored: limit.NewAddressesOver(l.StoredPerAddress, life, now), allStored: limit.NewShared[struct{}](l.Stored, life, now),
	}
}

// allowLogin counts a login that takes so many bytes in the store.
func (l *limiter) allowLogin(ip string, bytes int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, check := range [...]error{l.logins.Check(ip), l.stored.CheckN(ip, bytes), l.allStored.CheckN(struct{}{}, ip, bytes)} {
		if check != nil {
			return check
		}
	}
	l.logins.Charge(ip, 1)
	l.stored.Charge(ip, bytes)
	return l.allStored.AllowN(struct{}{}, ip, bytes)
}

// allowOrder counts an order. pending is how many there are, and own how many of them belong to the network of the address.
func (l *limiter) allowOrder(ip, clientID string, pending, own int) error {
	if pending+own >= l.pending {
		return &LimitError{RetryAfter: 10 * time.Second}
	}
	return l.allowRenewal(ip, clientID)
}

// allowRenewal counts an order that takes the place of one that is pending.
func (l *limiter) allowRenewal(ip, clientID string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.orders.Check(ip); err != nil {
		return err
	}
	if err := l.clients.Allow(clientID, ip); err != nil {
		return err
	}
	l.orders.Charge(ip, 1)
	return nil
}

// countOrder counts the order for whoever asked for it.
func (e *Engine) countOrder(ip, clientID string, pending int) error {
	e.mu.Lock()
	own := e.networks[limit.Subscriber(ip)]
	e.mu.Unlock()
	return e.limits.allowOrder(ip, clientID, pending, own)
}
