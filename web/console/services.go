package console

import (
	"errors"

	"brygga/admin"
	"brygga/storage"
)

// servicesPages are those on which the services of eIDs are told who we are.
func servicesPages() []page {
	return []page{
		{pattern: "GET /services", operation: admin.RegisterService, handle: showServices},
		{pattern: "POST /services/{eid}", operation: admin.RegisterService, handle: registerAtService},
	}
}

// hasServices reports whether there is an eID whose service knows registrations.
func hasServices(c *Console) bool { return len(c.Admin.RegisteringServices()) > 0 }

func showServices(v *visit) error {
	if !hasServices(v.Console) {
		return storage.ErrNotFound
	}
	return v.show(v.text("services.title"), serviceForms(v, "", newForm()))
}

// registerAtService registers the installation by the name and the picture of the form.
func registerAtService(v *visit) error {
	f, eid := v.form(), v.r.PathValue("eid")
	answer, err := v.Admin.Register(v, v.actor, eid, admin.Registration{Certificate: f.get("certificate"), Name: f.get("name"), Image: f.file("image")})
	if wrong, is := errors.AsType[*admin.RegistrationError](err); is {
		f.fault(wrong.Field, v.text("services.field."+wrong.Field)+": "+v.registrationFault(wrong))
	} else if _, is := errors.AsType[*admin.ServiceError](err); is {
		v.Log.WarnContext(v, "an eID's service did not register us", "method", eid, "err", err, "request_id", v.reference)
		f.fault("", v.text("services.failed"))
	} else if err != nil {
		return err
	} else {
		return v.leave(at("services"), "services.registered", "service", answer.Service, "version", answer.Version, "name", answer.Name, "id", answer.ID)
	}
	return v.refuse(v.text("services.title"), serviceForms(v, eid, f))
}

// registrationFault says what is wrong, in English as the command line does.
func (v *visit) registrationFault(wrong *admin.RegistrationError) string {
	if key := "services.wrong." + wrong.Code; hasText(key) {
		return v.text(key)
	}
	return wrong.Problem
}

// certificateOptions are our certificates at a service.
func (v *visit) certificateOptions(s admin.RegisteringService) []option {
	all := []option{{"", v.text("services.certificate.usual"), ""}}
	for _, name := range s.Certificates {
		all = append(all, option{name, name, ""})
	}
	return all
}

// ofService is the form for a service: what was sent, if it was sent there.
func ofService(s admin.RegisteringService, sent string, f *form) *form {
	if s.EID == sent {
		return f
	}
	return newForm()
}
