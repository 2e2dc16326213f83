package limit

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestNetwork(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "": "invalid Prefix", "nonsense": "invalid Prefix", "192.0.2.1:80": "invalid Prefix",
	} {
		if got := Network(ip).String(); got != want {
			t.Errorf("%q: %s, want %s", ip, got, want)
		}
	}
	if Network("2001:db8::1") != Network("2001:db8::2") || Network("2001:db8::1") == Network("2001:db8:0:1::1") {
		t.Error("a network is a /64")
	}
}

func TestWiderNetworksHaveMore(t *testing.T) {
	c := newClock()
	for name, test := range map[string]struct {
		address func(i int) string
		passes  int
	}{
		"one IPv4 address":       {func(int) string { return "192.0.2.1" }, 10},
		"IPv4 neighbours":        {func(i int) string { return fmt.Sprintf("192.0.2.%d", i%200) }, 2000},
		"a /64":                  {func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, 10},
		"the /64s of a /56":      {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i%256) }, 40},
		"the /64s of a /48":      {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i) }, 160},
		"the /48s of a provider": {func(i int) string { return fmt.Sprintf("2001:db8:%x::1", i) }, 2000},
		"no address":             {func(int) string { return "" }, 10},
	} {
		a, passed := NewAddresses(10, c.now), 0
		for i := range 2000 {
			switch err, checked := a.Allow(test.address(i)), a.Check(test.address(i+1)); {
			case err == nil:
				passed++
			case checked == nil && name != "the /64s of a /48" && name != "the /64s of a /56":
				t.Errorf("%s: Check lets pass what Allow does not", name)
			}
		}
		if passed != test.passes {
			t.Errorf("%s: %d passed, want %d", name, passed, test.passes)
		}
		c.at = c.at.Add(time.Hour)
	}
}

// TestRefusedRequestsCostNothing: what one of the networks refuses is not taken from the others.
func TestRefusedRequestsCostNothing(t *testing.T) {
	a := NewAddresses(10, newClock().now)
	for range 1000 {
		a.Allow("2001:db8::1")
	}
	for i := range 15 {
		for range 10 {
			if err := a.Allow(fmt.Sprintf("2001:db8:0:%x00::1", i+1)); err != nil {
				t.Fatalf("network %d: %v", i+1, err)
			}
		}
	}
	var limit *Error
	if err := a.Allow("2001:db8:0:ff00::1"); !errors.As(err, &limit) {
		t.Errorf("the /48 has no limit: %v", err)
	}
}

func TestChargedAddresses(t *testing.T) {
	a := NewAddresses(10, newClock().now)
	a.Charge("2001:db8::1", 100)
	if a.Check("2001:db8::2") == nil || a.CheckN("2001:db8:0:1::1", 10) != nil {
		t.Error("the /64 alone should be used up")
	}
	if a.AllowN("192.0.2.1", 11) == nil || a.AllowN("192.0.2.1", 10) != nil || a.Check("192.0.2.1") == nil {
		t.Error("ten at once should pass, and eleven not")
	}
}
