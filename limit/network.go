package limit

import (
	"net/netip"
	"sync"
	"time"
)

// Network returns what addresses are counted by: an IPv4 address, or the /64 of an IPv6 one, which one household has. A text
// that is no address gets the zero Prefix.
func Network(ip string) netip.Prefix { return network(ip, 64) }

// network returns the IPv4 address, or the network with that many bits of the IPv6 one.
func network(ip string, bits int) netip.Prefix {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Prefix{}
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		bits = 32
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// wider are the networks that an IPv6 address counts for beside its /64, and how many times as much each may ask for. A home has a
// /56 or a /48 (RIPE-690), and so has whoever rents a server; to a mobile network a /48 is many people. There is none for IPv4:
// hundreds of households share an address already, and a provider's neighbouring addresses are all like that.
var wider = [...]struct{ bits, times int }{{56, 4}, {48, 16}}

// Addresses limits what network addresses ask for. The methods may be called concurrently.
type Addresses struct {
	mu     sync.Mutex
	narrow *Limiter[netip.Prefix]
	wide   [len(wider)]*Limiter[netip.Prefix]
}

// NewAddresses returns one that lets perMinute tokens pass for each IPv4 address and /64, and for wider networks a multiple of that.
func NewAddresses(perMinute int, now func() time.Time) *Addresses {
	return NewAddressesOver(perMinute, time.Minute, now)
}

// NewAddressesOver returns one that lets size tokens pass in a period.
func NewAddressesOver(size int, period time.Duration, now func() time.Time) *Addresses {
	a := &Addresses{narrow: NewOver[netip.Prefix](size, period, now)}
	for i, w := range wider {
		a.wide[i] = NewOver[netip.Prefix](size*w.times, period, now)
	}
	return a
}

// Allow takes one token for the address, or returns an *Error when one of its networks has none left.
func (a *Addresses) Allow(ip string) error { return a.AllowN(ip, 1) }

// AllowN takes n tokens for the address, or none and returns an *Error when one of its networks has fewer left.
func (a *Addresses) AllowN(ip string, n int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.check(ip, n); err != nil {
		return err
	}
	a.charge(ip, n)
	return nil
}

// Check returns an *Error when one of the networks of the address has nothing left. It takes nothing.
func (a *Addresses) Check(ip string) error { return a.CheckN(ip, 1) }

// CheckN returns an *Error when one of the networks of the address has fewer than n tokens left. It takes nothing.
func (a *Addresses) CheckN(ip string, n int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.check(ip, n)
}

// Charge takes n tokens for the address, or what is left of them: whoever has nothing left takes nothing from the neighbours.
func (a *Addresses) Charge(ip string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.charge(ip, n)
}

func (a *Addresses) check(ip string, n int) error {
	narrow := Network(ip)
	if err := a.narrow.CheckN(narrow, n); err != nil || !narrow.Addr().Is6() {
		return err
	}
	for i, w := range wider {
		if err := a.wide[i].CheckN(network(ip, w.bits), n); err != nil {
			return err
		}
	}
	return nil
}

func (a *Addresses) charge(ip string, n int) {
	narrow := Network(ip)
	n = a.narrow.Charge(narrow, n)
	if !narrow.Addr().Is6() {
		return
	}
	for i, w := range wider {
		a.wide[i].Charge(network(ip, w.bits), n)
	}
}
