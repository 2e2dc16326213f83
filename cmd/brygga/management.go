package main

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"brygga/account"
	"brygga/admin"
	"brygga/cmd/brygga/config"
	"brygga/web"
	"brygga/web/api"
	"brygga/web/console"
)

// management are the faces of what administrators can do that are reached over HTTP. Either may be nil.
type management struct{ api, console http.Handler }

// newManagement returns the management API and the console.
func (s *server) newManagement(ctx context.Context) (m management, err error) {
	o := s.operator()
	accounts, err := o.accounts(ctx)
	if err != nil {
		return m, err
	}
	operations, err := o.administration(func(more *admin.Options) {
		more.Accounts, more.Client = accounts, s.provider.APIClient
		more.Expiries, more.Settings = s.expiries, s.settings
		more.Health = func(ctx context.Context) ([][2]string, error) { return s.details(ctx), s.ready(ctx) }
	})
	if err != nil {
		return m, err
	}
	s.admin = operations
	if m.api, err = api.New(api.Options{Admin: operations, Version: buildVersion(), Metadata: s.provider.APIMetadata(), Address: s.address, Log: s.log, Now: s.now}); err != nil {
		return m, err
	}
	m.console, err = s.newConsole(operations, accounts)
	return m, err
}

func (s *server) newConsole(operations *admin.Service, accounts *account.Accounts) (http.Handler, error) {
	c := s.config
	o := console.Options{
		Admin: operations, Accounts: accounts, URL: c.ConsoleURL(), Issuer: c.Issuer, BankID: s.consoleBankID, Trials: s.trials, Address: s.address, Service: c.Page.ServiceName, PhoneURL: string(s.phone), Mailbox: s.mailbox, Mail: s.mail != nil, Version: buildVersion(),
		Log: s.log, Now: s.now,
	}
	if c.BankID.Environment == config.Production {
		o.PhoneURL = ""
	}
	return console.New(o)
}

// address returns where a request of operators comes from: proxies are believed on their listener as on the public one.
func (s *server) address(r *http.Request) netip.Addr { return s.site.Load().Address(r) }

// operators returns the handler of the operators' listener.
func (s *server) operators(m management) http.Handler {
	o := web.OperatorsOptions{
		Ready: s.ready, Details: s.details, Metrics: s.metrics.handler(), Checkpoint: s.checkpoint, API: m.api, Hosts: s.config.AdminHosts,
	}
	if !s.config.Console.Public {
		o.Console = m.console
		if u, err := url.Parse(s.config.ConsoleURL()); err == nil {
			o.Hosts = append([]string{u.Hostname()}, o.Hosts...)
		}
	}
	return web.Operators(o)
}

// outside returns the handler of the public listener: that of the site, and the console where the configuration says so.
func (s *server) outside(m management) http.Handler {
	public := http.HandlerFunc(s.public)
	if !s.config.Console.Public {
		return public
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, console.Path):
			m.console.ServeHTTP(w, r)
		case r.URL.Path+"/" == console.Path:
			http.Redirect(w, r, console.Path, http.StatusFound)
		default:
			public(w, r)
		}
	})
}
