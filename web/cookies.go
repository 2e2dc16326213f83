package web

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
)

// How long the cookies last. 400 days is the most that browsers keep one.
const (
	bindingLife = time.Hour
	keepLife    = 399 * 24 * time.Hour
)

// The names of the cookies, after the prefix.
const (
	cookieBinding  = ""
	cookieDevice   = "-device"
	cookieLanguage = "-lang"
	cookieChoice   = "-choice"
	cookieMethod   = "-method"
)

// bindingSlots is how many binding cookies there are for auth requests that came by a cross-site POST; see bind.
const bindingSlots = 4

const (
	bindingLength = 43 // 256 bits in base64url
	deviceLength  = 36 // a UUID
)

// cookies reads and writes the site's cookies. None is visible to scripts, and none goes along with requests that another
// site's page makes, but for plain navigation: SameSite=Lax, which the return from the BankID app needs.
type cookies struct{ secure bool }

// name returns the whole name. The prefix __Host- keeps other hosts of the same domain from setting the cookie.
func (c cookies) name(suffix string) string {
	if c.secure {
		return "__Host-brygga" + suffix
	}
	return "brygga" + suffix
}

func (c cookies) set(w http.ResponseWriter, suffix, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: c.name(suffix), Value: value, Path: "/", MaxAge: int(life / time.Second),
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func (c cookies) get(r *http.Request, suffix string) string {
	name := c.name(suffix)
	for _, cookie := range sent(r) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// bind returns the value that a new login is bound to and sees to it that the browser keeps it. There is one for each
// browser, so that logins in several tabs go on side by side; a value that the browser has is kept.
//
// A browser sends no SameSite=Lax cookie with a cross-site POST, so after one nobody knows whether it has a value. A new one
// goes into one of a few cookies beside, as it would otherwise end the logins in the browser's other tabs.
func (c cookies) bind(w http.ResponseWriter, r *http.Request) secret.String {
	if value := c.get(r, cookieBinding); wellFormed(value, bindingLength) {
		c.set(w, cookieBinding, value, bindingLife)
		return secret.New(value)
	}
	var random [33]byte
	rand.Read(random[:])
	value := base64.RawURLEncoding.EncodeToString(random[:32])
	name := cookieBinding
	if r.Method == http.MethodPost {
		name = slot(int(random[32]) % bindingSlots)
	}
	c.set(w, name, value, bindingLife)
	return secret.New(value)
}

func slot(i int) string { return "-" + strconv.Itoa(i+1) }

// bindings returns the well-formed binding values that the browser has sent.
func (c cookies) bindings(r *http.Request) []secret.String {
	var all []secret.String
	for i := -1; i < bindingSlots; i++ {
		name := cookieBinding
		if i >= 0 {
			name = slot(i)
		}
		if value := c.get(r, name); wellFormed(value, bindingLength) {
			all = append(all, secret.New(value))
		}
	}
	return all
}

// boundTo reports whether one of the values is the one that l is bound to. A login of a program is bound to no browser, whatever it sends:
// the program asks for its result, and no page must show, cancel or answer it.
func boundTo(l *storage.Login, values []secret.String) bool {
	if l.Request.Program != nil {
		return false
	}
	bound := false
	for _, value := range values {
		bound = l.BoundTo(value) || bound
	}
	return bound
}

// device returns the browser's device identifier, which BankID weighs in its risk (BankID API: auth, web). It is made when
// there is none, is never used for anything else, and says nothing about the person.
func (c cookies) device(w http.ResponseWriter, r *http.Request) string {
	value := c.get(r, cookieDevice)
	if !wellFormed(value, deviceLength) {
		value = newUUID()
	}
	c.set(w, cookieDevice, value, keepLife)
	return value
}

// choice returns the device that the browser's last login was completed with, or "".
func (c cookies) choice(r *http.Request) templates.Device {
	switch d := templates.Device(c.get(r, cookieChoice)); d {
	case templates.ThisDevice, templates.OtherDevice:
		return d
	}
	return ""
}

// newUUID returns a random UUID (RFC 9562 §5.4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// wellFormed reports whether value has the given length and nothing but letters, digits, - and _.
func wellFormed(value string, length int) bool {
	if len(value) != length {
		return false
	}
	for _, b := range []byte(value) {
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_') {
			return false
		}
	}
	return true
}

// wellFormedID reports whether id may be a login's: 128 bits in base64url.
func wellFormedID(id string) bool { return wellFormed(id, 22) }
