package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// details is what /readyz?verbose says of each part that may need a hand, whether or not logins can be served.
func (s *server) details(ctx context.Context) (all [][2]string) {
	add := func(name, text string) { all = append(all, [2]string{name, text}) }
	add("store", wellUnless(s.store.Ping(ctx)))
	add("BankID", s.health.String())
	for _, name := range slices.Sorted(maps.Keys(s.apis)) {
		info := s.apis[name].CertificateInfo()
		add("BankID certificate "+certificateName(name), lifeOf(info.NotBefore, info.NotAfter, s.now()))
	}
	if s.listener != nil {
		leaf, err := s.listener.state()
		add("listener's certificate", lifeOf(leaf.NotBefore, leaf.NotAfter, s.now()))
		if err != nil {
			add("listener's new certificate", err.Error())
		}
	}
	if s.mail != nil {
		add("mail", s.mailDetails(ctx))
	}
	s.sinkDetails(add)
	troubles := s.proxies.Troubles(s.now())
	if len(troubles) == 0 {
		troubles = []string{"nothing to complain of in the last hour"}
	}
	add("proxies", strings.Join(troubles, "; "))
	return all
}

func wellUnless(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// lifeOf says how long a certificate is still valid.
func lifeOf(from, to, now time.Time) string {
	switch left := to.Sub(now); {
	case now.Before(from):
		return "not valid before " + moment(from)
	case left < 0:
		return "ended on " + moment(to)
	default:
		return fmt.Sprintf("%d days left, until %s", daysLeft(left), moment(to))
	}
}
