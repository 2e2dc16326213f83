package main

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"brygga/audit"
	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/storage"
	"brygga/web"
)

// SIGHUP has a server read its configuration and the files that it names again. What can be taken over while it runs is: the
// clients of the configuration, the section page with its files, the level of the log, and the certificates. The rest waits for a
// restart, and a configuration that is wrong changes nothing.

// liveKeys are the keys that a running server takes over; a section stands for all below it.
var liveKeys = []string{
	"clients", "log.level", "page", "tls", "bankid.pkcs12_file", "bankid.passphrase", "bankid.passphrase_file", "bankid.certificate_file",
	"bankid.key_file", "bankid.certificates", "netid.certificates",
}

// isLive returns whether the running server takes a changed key over. It cannot begin or stop to speak TLS, and orders go on
// under the names that certificates had at the start.
func (s *server) isLive(key string, fresh *config.Config) bool {
	switch {
	case strings.HasPrefix(key, "tls.") && (s.listener == nil || fresh.TLS.CertificateFile == ""):
		return false
	case key == "netid.certificates" && !slices.Equal(s.config.NetID.CertificateNames(), fresh.NetID.CertificateNames()):
		return false
	case key == "http_clients":
		return config.SameButCertificates(s.config.HTTPClients, fresh.HTTPClients)
	case key == "bankid.certificates" && !slices.Equal(s.config.BankID.CertificateNames(), fresh.BankID.CertificateNames()):
		return false
	}
	return isLiveKey(key)
}

func isLiveKey(key string) bool {
	return slices.ContainsFunc(liveKeys, func(live string) bool { return key == live || strings.HasPrefix(key, live+".") })
}

// reload takes over what can be, and says in the log what was and what was not.
func (s *server) reload(ctx context.Context) {
	fresh, looks, err := s.read()
	if err == nil {
		err = s.checkSectors(ctx, looks.dress(fresh.StaticClients(s.now().UTC())))
	}
	if err == nil {
		err = s.takeOver(ctx, fresh, looks)
	}
	s.metrics.reload.Set(0)
	if err != nil {
		s.metrics.reload.Set(1)
	}
	switch {
	case err == nil:
	case s.told != nil:
		s.told(nil, nil, err)
	default:
		s.logReloadFailure(ctx, err)
	}
}

// logReloadFailure logs each fault on a line of its own.
func (s *server) logReloadFailure(ctx context.Context, err error) {
	var faults config.Faults
	if !errors.As(err, &faults) {
		s.log.ErrorContext(ctx, "configuration not taken over: the old one stays", "err", err)
		return
	}
	for _, fault := range faults {
		s.log.ErrorContext(ctx, "configuration not taken over: the old one stays", "err", fault.Error())
	}
}

// takeOver puts what has changed in the place of what was, or changes nothing and returns an error.
func (s *server) takeOver(ctx context.Context, fresh *config.Config, l *looks) error {
	live := slices.DeleteFunc(config.Changes(s.live, fresh), func(key string) bool { return !s.isLive(key, fresh) })
	waiting := slices.DeleteFunc(config.Changes(s.config, fresh), func(key string) bool { return s.isLive(key, fresh) })
	if !reflect.DeepEqual(l, s.looks.Load()) {
		live = append(live, lookFiles)
	}
	now := s.now().UTC()
	before := s.looks.Load().dress(s.live.StaticClients(now))
	if slices.ContainsFunc(live, func(key string) bool { return key == lookFiles || strings.HasPrefix(key, "page.") }) {
		site, err := s.newSite(fresh.Page, l)
		if err != nil {
			return err
		}
		s.replaceSite(site, l)
	}
	static := l.dress(fresh.StaticClients(now))
	s.clients.Replace(static)
	if err := s.clients.Remember(ctx, now); err != nil {
		return err
	}
	s.provideKeys(ctx, static)
	s.levels.configure(logLevel(fresh.Log.Level))
	s.live = fresh
	s.taken.Store(fresh)
	s.tellReload(ctx, fresh, live, waiting)
	s.audit.Record(ctx, clientEvents(before, static)...)
	return nil
}

// reloader is who changed what a signal has brought, for the audit log.
const reloader = "SIGHUP"

// clientEvents returns what happened to the clients of the configuration. Both lists are stamped with the same time.
func clientEvents(before, after []storage.Client) (events []audit.Event) {
	index := func(of []storage.Client, id string) int {
		return slices.IndexFunc(of, func(c storage.Client) bool { return c.ID == id })
	}
	for i := range after {
		old := index(before, after[i].ID)
		if old < 0 {
			events = append(events, clients.Event(audit.ClientAdded, &storage.Client{}, &after[i], reloader))
			continue
		}
		was := before[old]
		if !slices.Equal(was.Secrets, after[i].Secrets) {
			was.Secrets = nil // the values are no auditor's to read, so another one shows as the one that was set now
		}
		if event := clients.Event(audit.ClientChanged, &was, &after[i], reloader); len(event.Changes) > 0 {
			events = append(events, event)
		}
	}
	for i := range before {
		if index(after, before[i].ID) < 0 {
			gone := &storage.Client{ID: before[i].ID, CustomIdentifier: before[i].CustomIdentifier}
			events = append(events, clients.Event(audit.ClientRemoved, &before[i], gone, reloader))
		}
	}
	return events
}

// lookFiles stands among the changed keys for the files that page and the brands of clients name.
const lookFiles = "files of page and brands"

// replaceSite lets a new site answer. Pages that follow a login connect to it by themselves.
func (s *server) replaceSite(site *web.Site, l *looks) {
	s.looks.Store(l)
	old := s.site.Swap(site)
	if s.stopping.Load() {
		site.EndStreams()
	}
	s.background.Do(old.Close)
}

func (s *server) tellReload(ctx context.Context, fresh *config.Config, live, waiting []string) {
	for _, warning := range fresh.Warnings() {
		s.log.WarnContext(ctx, "configuration", "warning", warning)
	}
	certificates := s.reloadCertificates(ctx, fresh)
	s.log.InfoContext(ctx, "configuration read again", "changed", live, "certificates", certificates)
	if s.told != nil {
		s.told(live, waiting, nil)
	} else if len(waiting) > 0 {
		s.log.WarnContext(ctx, "changes of the configuration wait for a restart", "keys", waiting)
	}
	s.audit.Record(ctx, audit.Event{Type: audit.ConfigurationRead, Actor: reloader, Object: strings.Join(live, " ")})
}

// reloadCertificates reads the certificate files again and returns which hold another certificate now.
func (s *server) reloadCertificates(ctx context.Context, fresh *config.Config) (changed []string) {
	sources := fresh.BankID.Sources()
	sources[""] = fresh.BankID.Default().Source()
	for _, name := range slices.Sorted(maps.Keys(s.apis)) {
		before := s.apis[name].CertificateInfo()
		source, named := sources[name]
		if !named || s.bankid.Certificate.TLS != nil {
			continue // it goes on until the restart that the log speaks of, or is in no file
		}
		if err := s.apis[name].ReloadFrom(source); err != nil {
			s.log.ErrorContext(ctx, "the new BankID certificate cannot be used, the old one stays", "certificate", certificateName(name), "err", err)
		}
		if s.apis[name].CertificateInfo() != before {
			changed = append(changed, "bankid "+certificateName(name))
		}
	}
	changed = append(changed, s.cards.reload(ctx, s, fresh)...)
	if s.listener != nil && fresh.TLS.CertificateFile != "" && s.listener.readFrom(fresh.TLS.CertificateFile, fresh.TLS.KeyFile) {
		changed = append(changed, "tls")
	}
	return changed
}
