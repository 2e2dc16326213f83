package web

import (
	"brygga/storage"
	"brygga/templates"
)

// FailureText returns what the login page says about a reason of package login, or a hint code, in that language: its heading and its text. Device is the
// one that was chosen, Client what the client is called. EID is by which the login was, empty for the first one.
func FailureText(texts *templates.Catalogue, language, eid, of, device, client string) string {
	chosen := templates.OtherDevice
	if device == storage.DeviceThis {
		chosen = templates.ThisDevice
	}
	v := templates.Failed{Reason: reason(of), Device: chosen}
	return v.Said(templates.Page{Lang: language, ClientName: client, Messages: texts, Method: eid})
}
