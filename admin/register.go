package admin

import (
	"context"
	"errors"
	"maps"
	"slices"

	"brygga/audit"
	"brygga/storage"
)

// RegisterService is the operation that tells an eID's service by what name and picture its app is to show who asks.
const RegisterService Name = "services.register"

// ScopeServicesWrite is the scope that it needs.
const ScopeServicesWrite = "services:write"

// Registration is how the app of an eID is to show whoever has a certificate of ours.
type Registration struct {
	// Certificate names the one of ours; empty for the default one.
	Certificate string
	Name        string
	Image       []byte // a PNG
}

// Registered is the service's answer: what it is, and what it now knows us as.
type Registered struct {
	Service string `json:"service"`
	Version string `json:"version"`
	Name    string `json:"name"`
	ID      string `json:"id"`
}

// Registrar registers us at the service of an eID.
type Registrar struct {
	// Certificates are the names of our further certificates there.
	Certificates []string
	// Register does it, or returns a *RegistrationError when nothing was sent. After another error the service may have registered us.
	Register func(ctx context.Context, r Registration) (Registered, error)
}

// RegistrationError says what of a registration cannot be used: certificate, name or image.
type RegistrationError struct {
	Field, Problem string
	// Code names the problem, for who says it in another language: one of RegistrationFaults.
	Code string
}

// RegistrationFaults returns the codes of all that can be wrong with a registration.
func RegistrationFaults() []string {
	return []string{"certificate", "name", "image.bytes", "image.format", "image.pixels", "image.broken"}
}

// Error names the field.
func (e *RegistrationError) Error() string { return e.Field + " " + e.Problem }

// ServiceError is why a service has not answered a registration as it should.
type ServiceError struct{ Err error }

// Error says so.
func (e *ServiceError) Error() string { return "the service did not register us: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ServiceError) Unwrap() error { return e.Err }

// Register registers the installation at the service of the eID of that name, and returns what the service answers. It returns storage.ErrNotFound
// where no such service knows registrations, a *RegistrationError when nothing was sent, and a *ServiceError otherwise.
func (s *Service) Register(ctx context.Context, actor Actor, eid string, r Registration) (Registered, error) {
	if _, err := s.permit(ctx, actor, RegisterService); err != nil {
		return Registered{}, err
	}
	registrar, ok := s.o.Registrars[eid]
	if !ok {
		return Registered{}, storage.ErrNotFound
	}
	answer, err := registrar.Register(ctx, r)
	if _, unsent := errors.AsType[*RegistrationError](err); unsent {
		return Registered{}, err
	}
	e := audit.Event{Type: audit.ServiceRegistered, Actor: actor.name, SourceAddress: address(actor.from), Object: eid, Message: r.Name}
	if r.Certificate != "" {
		e.Object += " " + r.Certificate
	}
	if err != nil {
		e.Message += " (no answer: it may be registered all the same)"
		err = &ServiceError{err}
	}
	s.o.Audit.Record(ctx, e)
	return answer, err
}

// RegisteringService is an eID whose service knows registrations.
type RegisteringService struct {
	EID string
	// Certificates are the names of our further certificates there, each of which is registered by itself.
	Certificates []string
}

// RegisteringServices returns those that there are, in order. They are part of the configuration: no actor is asked for.
func (s *Service) RegisteringServices() (all []RegisteringService) {
	for _, eid := range slices.Sorted(maps.Keys(s.o.Registrars)) {
		all = append(all, RegisteringService{eid, slices.Clone(s.o.Registrars[eid].Certificates)})
	}
	return all
}
