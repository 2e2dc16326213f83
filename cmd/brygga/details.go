package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"brygga/admin"
)

// details is how each part is that may need a hand, whether or not logins can be served.
func (s *server) details(ctx context.Context) []admin.Detail {
	all := []admin.Detail{of("store", "store", "", wellUnless(s.store.Ping(ctx))), of("bankid", "BankID", "", s.health.detail())}
	for _, name := range slices.Sorted(maps.Keys(s.apis)) {
		info, called := s.apis[name].CertificateInfo(), certificateName(name)
		all = append(all, of("bankid-certificate", "BankID certificate "+called, called, lifeOf(info.NotBefore, info.NotAfter, s.now())))
	}
	all = append(all, s.cards.details(s.now())...)
	if s.listener != nil {
		leaf, err := s.listener.state()
		all = append(all, of("listener-certificate", "listener's certificate", "", lifeOf(leaf.NotBefore, leaf.NotAfter, s.now())))
		if err != nil {
			all = append(all, of("listener-new", "listener's new certificate", "", wellUnless(err)))
		}
	}
	if s.mail != nil {
		all = append(all, of("mail", "mail", "", s.mailDetail(ctx)))
	}
	for _, one := range s.sinks {
		all = append(all, of("sink", "audit sink "+one.Name, one.Name, behind(one.Behind())))
	}
	return append(all, of("proxies", "proxies", "", s.proxyDetail()))
}

// of says which part a detail is of.
func of(part, name, which string, d admin.Detail) admin.Detail {
	d.Part, d.Name, d.Of = part, name, which
	return d
}

// detailLines is the same in English, name and text, for /readyz?verbose.
func (s *server) detailLines(ctx context.Context) (lines [][2]string) {
	for _, d := range s.details(ctx) {
		lines = append(lines, [2]string{d.Name, d.Text})
	}
	return lines
}

func wellUnless(err error) admin.Detail {
	if err != nil {
		return admin.Detail{Text: err.Error()}
	}
	return admin.Detail{State: "well", Text: "ok"}
}

// behind says how many events a sink has not taken yet.
func behind(n int64) admin.Detail {
	if n > 0 {
		return admin.Detail{State: "behind", N: int(n), Text: fmt.Sprintf("%d events behind", n)}
	}
	return admin.Detail{State: "idle", Text: "ok, nothing waits"}
}

// proxyDetail says what was wrong with proxies lately.
func (s *server) proxyDetail() admin.Detail {
	troubles := s.proxies.Troubles(s.now())
	if len(troubles) == 0 {
		return admin.Detail{State: "quiet", Text: "nothing to complain of in the last hour"}
	}
	return admin.Detail{Text: strings.Join(troubles, "; ")}
}

// lifeOf says how long a certificate is still valid.
func lifeOf(from, to, now time.Time) admin.Detail {
	switch left := to.Sub(now); {
	case now.Before(from):
		return admin.Detail{State: "early", At: from, Text: "not valid before " + moment(from)}
	case left < 0:
		return admin.Detail{State: "ended", At: to, Text: "ended on " + moment(to)}
	default:
		days := daysLeft(left)
		return admin.Detail{State: "lasts", At: to, N: days, Text: fmt.Sprintf("%d days left, until %s", days, moment(to))}
	}
}
