package console

import (
	"errors"
	"strings"

	"brygga/admin"
	"brygga/audit"
	"brygga/logins"
	"brygga/storage"
)

// called is what people call somebody whom the audit log names.
func (v *visit) called(who admin.Who) string {
	return v.text("who."+string(who.Kind), "name", who.Name)
}

// calledBy is the same by what the audit log calls somebody; it is that itself for who may not read the log.
func (v *visit) calledBy(id string) string {
	if !v.may(admin.ListAudit) {
		return id
	}
	names, err := v.Admin.Named(v, v.actor, []string{id})
	if err != nil {
		return id
	}
	return v.called(names[id])
}

// actorCalled returns what the audit log calls somebody: operators are found by user name and e-mail address too, by those who may see them.
func (v *visit) actorCalled(text string) (string, error) {
	if text == "" || !v.may(admin.ShowOperator) {
		return text, nil
	}
	o, err := v.Admin.Operator(v, v.actor, text)
	switch {
	case err == nil:
		return o.ID, nil
	case errors.Is(err, storage.ErrNotFound):
		return text, nil
	}
	return "", err
}

// ofAccounts is how the numbers of events begin whose object is an operator's account.
const ofAccounts = "OPR_"

// concernsSomebody reports whether the event's object is somebody with an account.
func concernsSomebody(e *storage.AuditEvent) bool {
	return strings.HasPrefix(e.Type, ofAccounts) && storage.IsID(e.Fields["OBJECT"])
}

// fieldLabel is what a field of an event is called. The name of one that nobody has named says itself.
func (v *visit) fieldLabel(name string) string {
	for _, prefix := range []string{"BEFORE", "AFTER"} {
		if setting, ok := strings.CutPrefix(name, prefix+"."); ok {
			key := "field." + strings.ToLower(prefix)
			if label := v.settingLabel(setting); label != setting {
				return v.text(key+".setting", "setting", label)
			}
			return v.text(key) // the name stands beside
		}
	}
	if key := "field." + strings.ToLower(name); hasText(key) {
		return v.text(key)
	}
	return name
}

// namesIn are those whom the events name.
func namesIn(events []storage.AuditEvent) (ids []string) {
	for i := range events {
		if actor := events[i].Fields["ACTOR"]; actor != "" {
			ids = append(ids, actor)
		}
		if concernsSomebody(&events[i]) {
			ids = append(ids, events[i].Fields["OBJECT"])
		}
	}
	return ids
}

// messageText says in the reader's words what an event's message says in one of ours: why a login came to nothing, what somebody logged in by or what
// a link was for. It is empty for what is none of them.
func (v *visit) messageText(e *storage.AuditEvent) string {
	message := e.Fields["MESSAGE"]
	word, rest, more := strings.Cut(message, ":")
	if short, _ := logins.Explain(v.lang, word); short != "" {
		if more {
			return short + " (" + strings.TrimSpace(rest) + ")"
		}
		return short
	}
	switch audit.Type(e.Type) {
	case audit.AdministrationRefused:
		return v.text("events.refused")
	case audit.AlarmTested:
		return ""
	}
	for _, key := range []string{"method.", "link."} {
		if hasText(key + message) {
			return v.text(key + message)
		}
	}
	return ""
}
