// Package admin is what an administrator can do: one set of operations, of which command line, API and console are faces that hold no rule of their own.
//
// It is the one place where rights are looked at, in [Operations], and every change is stored with an audit event that names who made it. What
// an operation means stands in the packages that it calls: clients, keys, account, audit. It must not know flags, HTTP or HTML. One check is
// made elsewhere once more: a change of operators looks at the owner's session in the step that stores it.
package admin

import (
	"context"
	"errors"
	"time"

	"brygga/account"
	"brygga/audit"
	"brygga/audit/tree"
	"brygga/clients"
	"brygga/evidence"
	"brygga/evidence/archive"
	"brygga/keys"
	"brygga/logins"
	"brygga/notice"
	"brygga/outbound"
	"brygga/secret"
	"brygga/storage"
)

// Options are the parts of a Service. Store, Audit and Keys are required.
type Options struct {
	Store storage.Store
	Audit *audit.Log
	// Keys returns the ring of signing keys. It is called when keys are wanted, and not before all else is checked.
	Keys func(context.Context) (*keys.Ring, error)
	// Tree returns the tree over the audit log, nil for none.
	Tree func(context.Context) (*tree.Tree, error)
	// Accounts are those of operators, nil for none.
	Accounts *account.Accounts
	// Client returns the client that an access token for the API stands for, and the token's scopes, or storage.ErrNotFound. Nil takes no tokens.
	Client func(ctx context.Context, token secret.String) (*storage.Client, []string, error)
	// Health returns what is known of the installation's health, and why it is not ready. Nil says nothing.
	Health func(context.Context) (details []Detail, err error)
	// Sinks are where audit events are handed over to; nil for nowhere.
	Sinks Sinks
	// Log is the log of the server that this is part of; nil where none runs.
	Log Leveler
	// ReadPerson returns the key that a text is by which people are known who have no personal number, and false for none. Nil knows none.
	ReadPerson func(text secret.String) (storage.PersonKey, bool)
	// Outbound and Certificates are those of clients.Options, and Installation is that of clients.CheckProfile and clients.CheckMethods.
	Outbound     *outbound.Caller
	Certificates []string
	// Registrars register us at the services of eIDs, by the eID's name; those that know no registrations have none.
	Registrars map[string]Registrar
	// CheckBrand returns looks as they may be stored and shown, or clients.Problems that say what cannot be used. Nil refuses all but those that a client has.
	CheckBrand func(storage.Brand) (storage.Brand, error)
	// Uses knows when secrets of clients were used; nil knows of none.
	Uses *clients.Uses
	// Anchors are what evidence is held against that is read here, but for the key of the audit log; nil trusts the roots that are known as BankID's.
	Anchors func() evidence.Anchors
	// Settings returns the configuration in force; nil knows none.
	Settings func() []Setting
	// Expiries returns the certificates that end; nil knows none.
	Expiries func() []Expiry
	// Shown is that of logins.Options.
	Shown        func(language, eid, reason, device, client string) string
	Installation clients.Installation
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service are the operations. Its methods may be called concurrently. Each returns a *RefusedError when the actor may not do it.
type Service struct {
	o       Options
	clients *clients.Registry
	logins  *logins.Book
	banners *notice.Banners
	alarms  *notice.Alarms
	archive *archive.Archive
}

// New returns a Service over the options, or an error that names the option which is missing.
func New(o Options) (*Service, error) {
	if o.Store == nil || o.Audit == nil || o.Keys == nil {
		return nil, errors.New("admin: no store, audit log or keys")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	ring := o.Keys
	registry, err := clients.NewRegistry(clients.Options{
		Store: o.Store, Secrets: o.Store, Audit: o.Audit, Outbound: o.Outbound, Certificates: o.Certificates, Installation: o.Installation, Now: o.Now,
		Keys: func(ctx context.Context) (clients.Keys, error) { return ring(ctx) },
	})
	if err != nil {
		return nil, err
	}
	book, err := logins.New(logins.Options{Store: o.Store, Shown: o.Shown, Now: o.Now})
	if err != nil {
		return nil, err
	}
	return &Service{o, registry, book, notice.NewBanners(o.Store, o.Now), &notice.Alarms{Store: o.Store, Now: o.Now}, &archive.Archive{Store: o.Store, Audit: o.Audit, Tree: o.Tree}}, nil
}

// EIDs returns the names of the installation's eIDs, in its order; none where they are not known. No actor is asked for, as the page of every login has them.
func (s *Service) EIDs() (names []string) {
	for _, m := range s.o.Installation.Methods {
		names = append(names, m.Name)
	}
	return names
}
