package netidlogin

import (
	"strings"

	"brygga/eid"
	"brygga/netid"
	"brygga/secret"
	"brygga/storage"
)

// link returns what an order keeps to start the app with: the parameters of the link, in which the way back stands too, as the service is never told
// of it. It is zero for an order that no link starts.
func link(token, back secret.String) secret.String {
	if token.IsZero() {
		return secret.String{}
	}
	return netid.LaunchURL("", token, back)
}

// Launch returns the link of an order for this device. A script may follow it once, and it stays to be tapped.
func (m *method) Launch(order *storage.Order, starter storage.Starter) eid.Launch {
	l := eid.Launch{Possible: true, NeedsTap: m.App != ""}
	agent := starter.UserAgent
	mobile := strings.Contains(agent, "Mobile")
	switch {
	case strings.Contains(agent, "iPad"), strings.Contains(agent, "Macintosh") && starter.TouchPoints > 1, strings.Contains(agent, "Android") && !mobile:
		l.Tablet = true
	case strings.Contains(agent, "iPhone"), strings.Contains(agent, "Android"):
		l.Phone = true
	}
	if order != nil && !order.AutoStartToken.IsZero() {
		form := netid.LaunchForm
		if m.App != "" {
			form = m.App
		}
		l.URL = secret.New(form + order.AutoStartToken.Reveal())
	}
	return l
}

// ReturnURL writes address as the browser of starter needs it. A page within another app on iOS has no way back.
func (m *method) ReturnURL(address secret.String, starter storage.Starter) secret.String {
	if m.App != "" {
		return address // a virtual app is a page like any other
	}
	back := netid.BrowserOf(starter.UserAgent, starter.TouchPoints).ReturnURL(address)
	if back.IsZero() && !m.NoReturnElsewhere && !netid.OnIOS(starter.UserAgent, starter.TouchPoints) {
		return address
	}
	return back
}
