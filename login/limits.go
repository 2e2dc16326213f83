package login

import (
	"net/netip"
	"time"

	"brygga/limit"
)

// Limits bound how fast logins and orders may be begun. An order costs money, so each of them is checked before one is
// made. Zero fields mean the default.
type Limits struct {
	// LoginsPerAddress and OrdersPerAddress are per minute and network address (IPv4 address, IPv6 /64). They must leave room
	// for a whole office behind one address. Defaults 600 and 300.
	LoginsPerAddress, OrdersPerAddress int
	// OrdersPerClient is per minute and client. Default 6000.
	OrdersPerClient int
	// PendingOrders is how many orders may be pending at once, in all. Default 50000.
	PendingOrders int
}

// LimitError says that too much was begun and when to try again.
type LimitError = limit.Error

// limiter counts what is begun.
type limiter struct {
	logins, orders *limit.Limiter[netip.Prefix]
	clients        *limit.Limiter[string]
	pending        int
}

func newLimiter(l Limits, now func() time.Time) *limiter {
	setDefault(&l.LoginsPerAddress, 600)
	setDefault(&l.OrdersPerAddress, 300)
	setDefault(&l.OrdersPerClient, 6000)
	setDefault(&l.PendingOrders, 50_000)
	return &limiter{
		logins: limit.New[netip.Prefix](l.LoginsPerAddress, now), orders: limit.New[netip.Prefix](l.OrdersPerAddress, now),
		clients: limit.New[string](l.OrdersPerClient, now), pending: l.PendingOrders,
	}
}

func (l *limiter) allowLogin(ip string) error {
	return l.logins.Allow(limit.Network(ip))
}

func (l *limiter) allowOrder(ip, clientID string, pending int) error {
	if pending >= l.pending {
		return &LimitError{RetryAfter: 10 * time.Second}
	}
	if err := l.orders.Allow(limit.Network(ip)); err != nil {
		return err
	}
	return l.clients.Allow(clientID)
}
