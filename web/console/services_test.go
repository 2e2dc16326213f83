package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/admin"
	"brygga/storage"
)

// register is the service of an eID, which finds wrong what its code says.
func (s *site) register(_ context.Context, r admin.Registration) (admin.Registered, error) {
	if s.registering != nil {
		return admin.Registered{}, s.registering
	}
	if code := string(r.Image); slices.Contains(admin.RegistrationFaults(), code) {
		field, _, _ := strings.Cut(code, ".")
		return admin.Registered{}, &admin.RegistrationError{Field: field, Problem: "is wrong", Code: code}
	}
	s.registered = append(s.registered, r)
	return admin.Registered{Service: "NiAS", Version: "5", Name: r.Name, ID: "7"}, nil
}

func serviceRefused(b *browser) shown {
	return b.send("services/netid", "image", "image.format", "name", "Region Prov", "certificate", "journal")
}

// TestRegisterAtService: who has proven itself registers a name and a picture, under one of our certificates; what is wrong stands beside its field, and
// what is right is kept. A service that does not answer is told of, without what it has said.
func TestRegisterAtService(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleAdmin)
	s.says(b.get("settings"), `href="/admin/services"`)
	s.says(b.get("services"), `type="file"`, `accept="image/png"`, `<option value="journal"`)
	p := b.send("services/netid", "image", "a PNG", "name", " Region Prov ", "certificate", "journal")
	s.is(p, http.StatusOK, "Name and picture in the app")
	s.says(p, "NiAS 5 now shows you as Region Prov (ID 7)")
	if len(s.registered) != 1 || s.registered[0].Name != "Region Prov" || string(s.registered[0].Image) != "a PNG" || s.registered[0].Certificate != "journal" {
		t.Fatalf("%+v was registered", s.registered)
	}
	p = b.send("services/netid", "image", "name", "name", "Region Prov", "certificate", "journal")
	s.says(p, `id="fault-name"`, "The picture that you chose is kept", `<option value="journal" selected`)
	p = serviceRefused(b)
	s.is(p, http.StatusUnprocessableEntity, "Name and picture in the app")
	s.says(p, `id="fault-image"`, "Picture: is no PNG", `value="Region Prov"`)
	if strings.Contains(p.body, "image"+sentBefore) {
		t.Error("what is no picture is kept")
	}
	s.registering = errors.New("a secret of the service")
	p = b.send("services/netid", "image", "a PNG", "name", "Region Prov")
	s.says(p, "The service did not answer as it should")
	if p.StatusCode != http.StatusUnprocessableEntity || strings.Contains(p.body, "a secret of the service") {
		t.Errorf("%d: %s", p.StatusCode, p.body)
	}
	s.is(b.send("services/bankid", "image", "a PNG", "name", "Region Prov"), http.StatusNotFound, "There is no such page")
	if len(s.registered) != 1 {
		t.Errorf("%+v was registered", s.registered)
	}
}

// TestEveryRegistrationFaultIsSaid: in each language, beside its field.
func TestEveryRegistrationFaultIsSaid(t *testing.T) {
	for _, code := range admin.RegistrationFaults() {
		if !hasText("services.wrong." + code) {
			t.Errorf("what is wrong by %q is not said", code)
		}
	}
}

// TestPictureOutlastsAProof: a picture that is sent when the proof has become too old is there when it was given.
func TestPictureOutlastsAProof(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	s.now = s.now.Add(storage.StepUpLife + time.Second)
	p := b.send("services/netid", "image", "a PNG", "name", "Region Prov")
	s.is(p, http.StatusOK, "Show that it is you")
	if len(s.registered) > 0 {
		t.Fatalf("%+v was registered", s.registered)
	}
	pairs := []string{"password", password}
	for name, values := range formsIn(p.body)[0].values {
		pairs = append(pairs, name, values[0])
	}
	p = b.post("step-up", pairs...)
	p = b.post("services/netid", p.carriedOn()...)
	s.is(p, http.StatusOK, "Name and picture in the app")
	if len(s.registered) != 1 || string(s.registered[0].Image) != "a PNG" {
		t.Errorf("%+v was registered: %s", s.registered, p.body)
	}
}

// TestNoServices: an installation without such a service has no page for one, nor help on it.
func TestNoServices(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	s.options.Registrars = nil
	none, err := admin.New(s.options)
	s.ok(err)
	s.console.Admin = none
	if p := b.get("settings"); strings.Contains(p.body, "/admin/services") {
		t.Errorf("the settings lead there: %s", p.body)
	}
	s.is(b.get("services"), http.StatusNotFound, "There is no such page")
	s.is(b.get("help/services"), http.StatusNotFound, "There is no such page")
}
