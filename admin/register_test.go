package admin_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/storage"
)

// TestRegister: each registration that was sent is in the audit log with who sent it, whatever came of it, and none that was not.
func TestRegister(t *testing.T) {
	h := newHarness(t)
	actor := operator(storage.RoleAdmin, true)
	register := func(eid, certificate string) error {
		_, err := h.Register(t.Context(), actor, eid, admin.Registration{Certificate: certificate, Name: "Region Prov"})
		return err
	}
	if err := register("netid", "journal"); err != nil {
		t.Fatal(err)
	}
	h.registering = &admin.RegistrationError{Field: "image", Problem: "is no PNG"}
	if err := register("netid", ""); !errors.Is(err, h.registering) {
		t.Errorf("an image that is none: %v", err)
	}
	h.registering = errors.New("timed out")
	h.now = h.now.Add(time.Second)
	if _, is := errors.AsType[*admin.ServiceError](register("netid", "")); !is {
		t.Error("a service that does not answer is none")
	}
	if err := register("bankid", ""); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("an eID without registrations: %v", err)
	}
	events, err := h.store.AuditEvents(t.Context(), time.Time{}, h.now.Add(time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range events {
		if e.Type == string(audit.ServiceRegistered) {
			told = append(told, e.Fields["OBJECT"]+": "+e.Fields["MESSAGE"]+" by "+e.Fields["ACTOR"])
		}
	}
	if want := []string{"netid journal: Region Prov by admin", "netid: Region Prov (no answer: it may be registered all the same) by admin"}; !slices.Equal(told, want) {
		t.Errorf("the audit log tells of %q", told)
	}
}
