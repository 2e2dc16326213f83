package console

import (
	"math"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"brygga/account"
	"brygga/storage"
)

// BenchmarkFishing measures what a stranger could: how long it takes until a form is answered that names an operator, and one that names nobody. It
// reports both means and Welch's t, of which anything from -3 to 3 is chance:
//
//	go test ./web/console -run - -bench Fishing -benchtime 200x
func BenchmarkFishing(b *testing.B) {
	for name, form := range map[string]func(*browser, string) shown{
		"login":     func(c *browser, user string) shown { return c.post("login", "user", user, "password", "wrong") },
		"forgotten": func(c *browser, user string) shown { return c.post("forgotten", "user", user) },
		"user name": func(c *browser, user string) shown { return c.post("forgotten/name", "email", user+"@example.se") },
	} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b)
			s.operator(storage.RoleOwner)
			s.confirmed(storage.RoleOwner)
			asked := uint32(10 << 24)
			s.console.Address = func(*http.Request) netip.Addr { // each request comes from a network of its own
				asked++
				return netip.AddrFrom4([4]byte{byte(asked >> 24), byte(asked >> 16), byte(asked >> 8), byte(asked)})
			}
			c := s.browser()
			var known, unknown []float64
			for b.Loop() {
				known = append(known, timed(func() { form(c, "owner") }))
				unknown = append(unknown, timed(func() { form(c, "somebody") }))
			}
			b.ReportMetric(mean(known), "ms/known")
			b.ReportMetric(mean(unknown), "ms/unknown")
			b.ReportMetric(welch(known, unknown), "t")
		})
	}
}

// confirmed confirms the address of the operator, who may be sent links then.
func (s *site) confirmed(role storage.Role) {
	s.Helper()
	c := s.logIn(role)
	c.post("account/send-confirmation")
	s.is(c.post("account/confirm", "token", tokenOf("/"+s.linkIn(account.MailConfirm)).Reveal()), http.StatusOK, "Your account")
}

func timed(do func()) float64 {
	began := time.Now()
	do()
	return float64(time.Since(began).Microseconds()) / 1000
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// welch is the difference of the means in units of its own deviation.
func welch(a, b []float64) float64 {
	of := func(values []float64) float64 {
		m, sum := mean(values), 0.0
		for _, v := range values {
			sum += (v - m) * (v - m)
		}
		return sum / float64(max(1, len(values)-1)) / float64(len(values))
	}
	return (mean(a) - mean(b)) / math.Sqrt(of(a)+of(b))
}
