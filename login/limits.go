package login

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"brygga/limit"
	"brygga/storage"
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
	// CallsPerPerson is how many orders by telephone may be sent to one person in ten minutes, whoever asks for them. Default 5.
	CallsPerPerson int
	// AsksPerPerson is how many orders in ten minutes may ask one person on another device whom somebody has named, whoever that was, and
	// AsksPerAddress how many people may be asked so from one network address. Defaults 5 and 100.
	AsksPerPerson, AsksPerAddress int
}

// askWindow is over what time orders count that are sent to people.
const askWindow = 10 * time.Minute

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
	// called and asked are by the hash of the person.
	called, asked *limit.Limiter[[32]byte]
	asking        *limit.Addresses
}

func newLimiter(l Limits, life time.Duration, now func() time.Time) *limiter {
	setDefault(&l.LoginsPerAddress, 600)
	setDefault(&l.OrdersPerAddress, 300)
	setDefault(&l.OrdersPerClient, 6000)
	setDefault(&l.PendingOrders, 50_000)
	setDefault(&l.StoredPerAddress, 64<<20)
	setDefault(&l.Stored, 2<<30)
	setDefault(&l.CallsPerPerson, 5)
	setDefault(&l.AsksPerPerson, 5)
	setDefault(&l.AsksPerAddress, 100)
	return &limiter{
		logins: limit.NewAddresses(l.LoginsPerAddress, now), orders: limit.NewAddresses(l.OrdersPerAddress, now),
		clients: limit.NewShared[string](l.OrdersPerClient, time.Minute, now), pending: l.PendingOrders,
		stored: limit.NewAddressesOver(l.StoredPerAddress, life, now), allStored: limit.NewShared[struct{}](l.Stored, life, now),
		called: limit.NewOver[[32]byte](l.CallsPerPerson, askWindow, now), asked: limit.NewOver[[32]byte](l.AsksPerPerson, askWindow, now),
		asking: limit.NewAddressesOver(l.AsksPerAddress, askWindow, now),
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
func (e *Engine) countOrder(request *storage.AuthRequest, starter storage.Starter, pending int) error {
	asks, from := !starter.Person.IsZero(), countedAs(request, starter.IP)
	if asks {
		if err := e.limits.asking.Check(from); err != nil {
			return err
		}
	}
	e.mu.Lock()
	own := e.networks[limit.Subscriber(from)]
	e.mu.Unlock()
	err := e.limits.allowOrder(from, request.ClientID, pending, own)
	if err == nil && asks {
		e.limits.asking.Charge(from, 1)
	}
	return err
}

// countedAs returns the address that counts for a login which was begun from ip. A program names the address of whoever it asks for, and must not spend
// what others may begin who are there: for each program there is another network in the place of each. Those are unique local addresses (RFC 4193 §3.1), with
// subnets as the real network has them.
func countedAs(request *storage.AuthRequest, ip string) string {
	if request.Program == nil || request.Call != nil {
		return ip
	}
	network := limit.Subscriber(ip)
	sum := sha256.Sum256([]byte("brygga network of a program\n" + request.ClientID + "\n" + request.Program.Owner + "\n" + network.String()))
	counted := [16]byte{0: 0xfd}
	copy(counted[1:6], sum[:])
	if network.Addr().Is6() {
		real := limit.Network(ip).Addr().As16()
		copy(counted[6:8], real[6:8])
	}
	return netip.AddrFrom16(counted).String()
}
