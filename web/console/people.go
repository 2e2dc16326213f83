package console

import (
	"strconv"
	"strings"

	"rsc.io/qr"

	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
)

// roles are the roles of an operator, as they are called, with the groups that they are for.
func (v *visit) roles(o *storage.Operator) string {
	var names []string
	for _, role := range o.Roles {
		names = append(names, v.text("role."+string(role)))
	}
	text := strings.Join(names, ", ")
	if !o.AllClients && len(o.Groups) > 0 {
		text += v.text("operator.groups.for", "groups", strings.Join(o.Groups, ", "))
	}
	return text
}

// trace says when, how and from where somebody logged in last; empty for never.
func (v *visit) trace(t storage.LoginTrace) string {
	if t.At.IsZero() {
		return ""
	}
	return v.text("operator.trace", "time", v.moment(t.At), "method", v.text("method."+t.Method), "address", t.Address, "browser", v.browser(t.Agent))
}

// browsers are what browsers are told by, in the order in which they are looked for: most say that they are others too.
var browsers = [][2]string{{"Edg", "Edge"}, {"OPR", "Opera"}, {"Firefox", "Firefox"}, {"Chrome", "Chrome"}, {"Safari", "Safari"}, {"curl", "curl"}}

var systems = [][2]string{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}}

// browser is what a browser is called that says so of itself.
func (v *visit) browser(agent string) string {
	name, system := lookUp(browsers, agent), lookUp(systems, agent)
	switch {
	case name == "":
		return v.text("browser.unknown")
	case system == "":
		return name
	}
	return v.text("browser.on", "browser", name, "system", system)
}

func lookUp(all [][2]string, agent string) string {
	for _, known := range all {
		if strings.Contains(agent, known[0]) {
			return known[1]
		}
	}
	return ""
}

// qrPath draws a text as a QR code: the data of a path, and the side of its picture.
func qrPath(text secret.String) (path, side string) {
	code, err := qr.Encode(text.Reveal(), qr.M)
	if err != nil {
		return "", "0" // it is too long for any; the text stands beside it
	}
	frame := templates.NewFrame(code.Size, code.Black)
	return templates.QRPath(frame.Bits, frame.Size), strconv.Itoa(code.Size + 8)
}

// grouped writes a secret in groups of four, as people type it.
func grouped(text secret.String) string {
	var b strings.Builder
	for i, r := range text.Reveal() {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// ways are what an operator can log in by.
func (v *visit) ways(o *storage.Operator) string {
	var ways []string
	if !o.PasswordHash.IsZero() {
		ways = append(ways, v.text("method.password"))
	}
	if hasTOTP(o) {
		ways = append(ways, v.text("method.totp"))
	}
	if len(o.Passkeys) > 0 {
		ways = append(ways, v.text("method.passkey"))
	}
	if hasPerson(o) {
		ways = append(ways, v.text("method.bankid"))
	}
	return strings.Join(ways, ", ")
}

func (v *visit) roleOptions() (all []option) {
	for _, role := range allRoles {
		all = append(all, option{string(role), v.text("role." + string(role)), v.text("role." + string(role) + ".may")})
	}
	return all
}

func languageOptions() (all []option) {
	for _, tag := range languages {
		all = append(all, option{value: tag, label: textIn(tag, "language.name")})
	}
	return all
}

func revisionOf(o *storage.Operator) string { return strconv.FormatUint(o.Revision, 10) }
