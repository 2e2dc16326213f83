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
	"brygga/web/bankidapi"
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
		more.Anchors = s.anchors
		more.Accounts, more.Client = accounts, s.provider.APIClient
		more.Expiries, more.Settings, more.Uses = s.expiries, s.settings, s.uses
		more.Health = func(ctx context.Context) ([]admin.Detail, error) { return s.details(ctx), s.ready(ctx) }
	})
	if err != nil {
		return m, err
	}
	s.admin = operations
	if s.backEnds, err = s.newBankIDAPI(operations); err != nil {
		return m, err
	}
	if m.api, err = api.New(api.Options{Admin: operations, Version: buildVersion(), Metadata: s.provider.APIMetadata(), Address: s.address, Log: s.log, Now: s.now}); err != nil {
		return m, err
	}
	m.console, err = s.newConsole(operations, accounts)
	return m, err
}

// newBankIDAPI returns BankID's JSON:API for back ends, which is of use to whoever has a key of a client.
func (s *server) newBankIDAPI(keys *admin.Service) (http.Handler, error) {
	c := s.config
	return bankidapi.New(bankidapi.Options{
		Silence: s.engine.CallSilence(), Orders: s.engine, Keys: keys, Issuer: c.Issuer, Kept: c.Login.APIResultsKept, Window: c.Login.Window, Address: s.address, Trace: web.RequestID, Log: s.log, Now: s.now,
	})
}

// bankIDAPI answers requests of back ends. There are none before all is made.
func (s *server) bankIDAPI(w http.ResponseWriter, r *http.Request) { s.backEnds.ServeHTTP(w, r) }

func (s *server) newConsole(operations *admin.Service, accounts *account.Accounts) (http.Handler, error) {
	c := s.config
	o := console.Options{
		Admin: operations, Accounts: accounts, URL: c.ConsoleURL(), Issuer: c.Issuer, BankID: s.consoleBankID, Trials: s.trials, Address: s.address, Service: c.Page.ServiceName, PhoneURL: string(s.phone), Mailbox: s.mailbox, Mail: s.mail != nil, Version: buildVersion(),
		Log: s.log, Now: s.now, Observe: s.metrics.request, Looks: pictures{&s.site, s.previewURL()},
	}
	if c.BankID.Environment == config.Production {
		o.PhoneURL = ""
	}
	return console.New(o)
}

// previewURL is the address of the preview of all pages, empty where it is not served.
func (s *server) previewURL() string {
	if !s.preview {
		return ""
	}
	return s.config.Issuer + "/preview"
}

// address returns where a request of operators comes from: proxies are believed on their listener as on the public one.
func (s *server) address(r *http.Request) netip.Addr { return s.site.Load().Address(r) }

// operators returns the handler of the operators' listener.
func (s *server) operators(m management) http.Handler {
	o := web.OperatorsOptions{
		Ready: s.ready, Details: s.detailLines, Metrics: s.metrics.handler(), Checkpoint: s.checkpoint, API: m.api, Hosts: s.config.AdminHosts,
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
