package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/emersion/go-smtp"

	"brygga/mail"
)

// operatorPassword is that of every operator in a browser.
const operatorPassword = "tre lax i en låda"

// TestConsole follows one person from the link that brygga prints to a login by everything that there is: an owner invites an operator, a mail
// server gets the mail, a browser follows its link, and the operator logs in by password and code, by passkey and by BankID.
func TestConsole(t *testing.T) {
	t.Parallel()
	post := newPostOffice(t)
	d := newDev(t, func(o *devOptions) { o.sender = post.sender(t) })
	browser := newBrowser(t)
	owner := newTab(t, browser, d, computer.in("en"))
	owner.allow("status of 4") // forms that are refused

	owner.visit(d.link.Address.Reveal())
	owner.heading("Take the account into use")
	owner.fill("password", "short", "again", "short")
	owner.send("account/bootstrap")
	owner.until(`document.activeElement.matches('.faults') && document.querySelector('#field-password').getAttribute('aria-invalid') === 'true'`)
	owner.choosePassword("account/bootstrap")
	owner.logInByPassword(firstOperator)
	owner.heading("Översikt")
	owner.click(`footer a[hreflang=en]`)
	owner.heading("Overview")

	owner.visit(d.AdminURL + "/admin/operators/new")
	owner.fill("user_name", "bo", "email", "bo@example.se", "name", "Bo Ek")
	owner.click(`[name=roles][value=helpdesk]`)
	owner.send("operators/new")
	owner.heading("Bo Ek")
	person := read[string](owner, `location.pathname`)

	bo := owner.stranger()
	bo.allow("status of 4")
	bo.visit(post.link(t, "bo@example.se"))
	bo.heading("Accept the invitation")
	bo.choosePassword("account/invite")
	bo.logInByPassword("bo")
	bo.heading("Overview")
	if places := read[string](bo, `[...document.querySelectorAll('nav li')].map(e => e.textContent).join()`); places != "Overview,Apps,Logins,Settings" {
		t.Errorf("the help desk is offered %s", places)
	}

	key := bo.addApp()
	bo.logOutOfConsole()
	bo.logInByPassword("bo")
	bo.heading("Enter the code")
	if _, err := d.sim.Advance(time.Minute); err != nil { // a code is taken once
		t.Fatal(err)
	}
	bo.fill("code", totp(t, key, d.sim.Now()))
	bo.send("login/code")
	bo.heading("Overview")

	bo.addPasskey()
	bo.logOutOfConsole()
	bo.click(`form[action$="/login/passkey"] button`)
	bo.heading("Overview")
	bo.logOutOfConsole()

	owner.enterPerson(person)
	bo.logInByBankID()
	bo.heading("Overview")
	// What BankID has logged in changes nothing that is logged in by.
	bo.visit(d.AdminURL + "/admin/account/password")
	bo.heading("Show that it is you")
	bo.until(`!document.querySelector('form[action$="/login/bankid"]')`)
}

func (b *tab) heading(text string) {
	b.t.Helper()
	b.until(`document.readyState === 'complete' && document.querySelector('h1')?.textContent === ` + strconv.Quote(text))
}

// fill types into fields, name and text in turn.
func (b *tab) fill(pairs ...string) {
	b.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		b.do(chromedp.SendKeys(chromedp.CSS(`main [name="`+pairs[i]+`"]:not([type=hidden])`), pairs[i+1]))
	}
}

// send presses the button of the form that goes there.
func (b *tab) send(to string) { b.t.Helper(); b.click(`main form[action$="/admin/` + to + `"] button`) }

func (b *tab) choosePassword(to string) {
	b.t.Helper()
	b.fill("password", operatorPassword, "again", operatorPassword)
	b.send(to)
	b.heading("Log in")
}

func (b *tab) logInByPassword(user string) {
	b.t.Helper()
	b.fill("user", user, "password", operatorPassword)
	b.send("login")
}

func (b *tab) logOutOfConsole() {
	b.t.Helper()
	b.click(`form[action$="/admin/logout"] button`)
	b.heading("Log in")
}

// addApp adds an authenticator app and returns its key.
func (b *tab) addApp() string {
	b.t.Helper()
	b.visit(b.d.AdminURL + "/admin/account")
	b.send("account/app")
	b.heading("Add an authenticator app")
	key := strings.ReplaceAll(read[string](b, `document.querySelector('code.whole').textContent`), " ", "")
	b.eventually("the picture holds the key", func() bool {
		text, ok := b.glance()
		return ok && strings.Contains(text, "secret="+key)
	})
	b.fill("code", totp(b.t, key, b.d.sim.Now()))
	b.send("account/app/confirm")
	b.heading("Your recovery codes")
	if n := read[int](b, `document.querySelectorAll('.codes code').length`); n != 10 {
		b.t.Errorf("%d recovery codes, want 10", n)
	}
	return key
}

// addPasskey gives the browser an authenticator that verifies its person, and makes a passkey with it.
func (b *tab) addPasskey() {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		return err
	}))
	b.visit(b.d.AdminURL + "/admin/account/passkeys/new")
	b.heading("Add a passkey")
	b.fill("label", "work laptop")
	b.send("account/passkeys")
	b.heading("Your account")
	b.until(`document.body.innerText.includes('Passkey: work laptop')`)
}

// enterPerson has an owner enter the personal number of an operator.
func (b *tab) enterPerson(path string) {
	b.t.Helper()
	b.visit(b.d.AdminURL + path)
	b.fill("personal_number", person)
	b.click(`main form[action$="/person"] button`)
	b.until(`document.querySelector('.flash')?.textContent === 'The change is stored.'`)
}

// logInByBankID logs in to the console by the hosted page, as to any app.
func (b *tab) logInByBankID() {
	b.t.Helper()
	b.click(`form[action$="/login/bankid"] button`)
	b.shows("choose")
	if text := read[string](b, `document.querySelector('.who').textContent`); !strings.Contains(text, "console") {
		b.t.Errorf("the hosted page says that %q asks", text)
	}
	b.choose("other")
	b.shows("qr-wait")
	b.sign(b.scan())
}

// totp is what an authenticator app shows that has the key (RFC 6238).
func totp(t *testing.T, key string, now time.Time) string {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, secret)
	binary.Write(mac, binary.BigEndian, now.Unix()/30)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// postOffice is a mail server.
type postOffice struct {
	port int
	mu   sync.Mutex
	got  map[string][]string // by address
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{port: listener.Addr().(*net.TCPAddr).Port, got: map[string][]string{}}
	server := smtp.NewServer(p)
	server.Domain = "localhost"
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return p
}

func (p *postOffice) sender(t *testing.T) mail.Sender {
	t.Helper()
	sender, err := mail.NewSMTP(mail.SMTPOptions{Host: "127.0.0.1", Port: p.port, TLS: "none", From: "Brygga <brygga@example.se>"})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// NewSession begins a session of a client.
func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &postman{office: p}, nil }

type postman struct {
	office *postOffice
	to     string
}

// Mail takes the sender.
func (m *postman) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt takes the recipient.
func (m *postman) Rcpt(to string, _ *smtp.RcptOptions) error { m.to = to; return nil }

// Data takes the message.
func (m *postman) Data(r io.Reader) error {
	text, err := io.ReadAll(quotedprintable.NewReader(r)) // the headers go through it as well, and have nothing to lose
	m.office.mu.Lock()
	defer m.office.mu.Unlock()
	m.office.got[m.to] = append(m.office.got[m.to], string(text))
	return err
}

// Reset begins anew.
func (m *postman) Reset() {}

// Logout ends the session.
func (m *postman) Logout() error { return nil }

var mailedLink = regexp.MustCompile(`http://localhost:[0-9]+/admin/account/[a-z-]+\?token=[-_A-Za-z0-9.]+`)

// link waits for mail to the address and returns the link in it.
func (p *postOffice) link(t *testing.T, to string) string {
	t.Helper()
	for deadline := time.Now().Add(tabPatience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		p.mu.Lock()
		text := strings.Join(p.got[to], "\n")
		p.mu.Unlock()
		if link := mailedLink.FindString(text); link != "" {
			return link
		}
	}
	t.Fatalf("no mail with a link for %s", to)
	return ""
}
