package account

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

func TestFirstOwnerToSession(t *testing.T) {
	f := newFixture(t)
	o, link, err := f.Bootstrap(f.Context(), Command("root"), invitation("asa", "asa@example.se", storage.RoleOwner))
	f.ok(err)
	if !strings.HasPrefix(link.Address.Reveal(), "https://login.example.se/admin/account/bootstrap?token=") || !link.Expires.Equal(f.at.Add(30*time.Minute)) {
		t.Errorf("the link is %s until %s", link.Address.Reveal(), link.Expires)
	}
	token := tokenOf(link.Address.Reveal())
	_, err = f.LogIn(f.Context(), "asa", secret.New(good), home)
	f.is(err, ErrRefused)
	for range 2 { // to look spends nothing
		_, err = f.LookLink(f.Context(), storage.LinkBootstrap, token)
		f.ok(err)
	}
	_, err = f.Accept(f.Context(), storage.LinkBootstrap, token, secret.New("Password1234"))
	if !errors.As(err, new(Problems)) {
		t.Fatalf("a common password: %v", err)
	}
	_, err = f.Accept(f.Context(), storage.LinkInvite, token, secret.New(good))
	f.is(err, ErrLink)
	accepted, err := f.Accept(f.Context(), storage.LinkBootstrap, token, secret.New(good))
	f.ok(err)
	if accepted.ID != o.ID || accepted.State != storage.OperatorActive || len(accepted.Sessions) != 0 {
		t.Errorf("the account is %+v", accepted)
	}
	_, err = f.Accept(f.Context(), storage.LinkBootstrap, token, secret.New(good))
	f.is(err, ErrLink)
	for _, name := range []string{"asa", "ASA", "asa@example.se", "ASA@EXAMPLE.SE"} {
		s := f.logIn(name, home)
		if s.Pending || s.Token.IsZero() {
			t.Errorf("%s: %+v", name, s)
		}
		used, err := f.Use(f.Context(), s.Token)
		f.ok(err)
		if used.Operator.ID != o.ID || !f.Fresh(used) {
			t.Errorf("%s: %+v", name, used)
		}
	}
	f.mail(MailNewLogin)
	want := []audit.Type{audit.OperatorInvited, audit.OperatorRefused, audit.OperatorActivated, audit.OperatorLoggedIn}
	got := f.events()
	for _, typ := range want {
		if !slices.Contains(got, typ) {
			t.Errorf("events %v lack %s", got, typ)
		}
	}
}

func TestSessionEnds(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	s, other := f.logIn("asa", home), f.logIn("asa", home)
	for range 20 {
		f.at = f.at.Add(29 * time.Minute)
		_, err := f.Use(f.Context(), s.Token)
		f.ok(err)
	}
	_, err := f.Use(f.Context(), other.Token)
	f.is(err, ErrNoSession)
	f.at = f.at.Add(25 * time.Minute)
	_, err = f.Use(f.Context(), s.Token)
	f.ok(err)
	f.at = f.at.Add(2 * time.Hour)
	_, err = f.Use(f.Context(), s.Token)
	f.is(err, ErrNoSession)
	s, other = f.logIn("asa", home), f.logIn("asa", home)
	f.ok(f.LogOut(f.Context(), s.Token))
	f.ok(f.LogOut(f.Context(), s.Token))
	_, err = f.Use(f.Context(), s.Token)
	f.is(err, ErrNoSession)
	third := f.logIn("asa", home)
	f.ok(f.EndSession(f.Context(), other, third.ID))
	_, err = f.Use(f.Context(), third.Token)
	f.is(err, ErrNoSession)
	f.ok(f.LogOutEverywhere(f.Context(), other, false))
	_, err = f.Use(f.Context(), other.Token)
	f.ok(err)
	f.ok(f.LogOutEverywhere(f.Context(), other, true))
	_, err = f.Use(f.Context(), other.Token)
	f.is(err, ErrNoSession)
	for _, token := range []string{"", ".", "x.y", other.Operator.ID + ".", strings.Repeat("x", 10000) + ".y"} {
		_, err = f.Use(f.Context(), secret.New(token))
		f.is(err, ErrNoSession)
	}
}

// TestEveryRefusalIsTheSameWork: whether there is such an account, and what is wrong with it, shows neither in the answer nor in the hashes and
// steps that were made.
func TestEveryRefusalIsTheSameWork(t *testing.T) {
	f := newFixture(t)
	for _, user := range []string{"active", "locked", "disabled", "gone"} {
		f.operator(user, user+"@example.se", storage.RoleOwner)
	}
	_, err := f.Invite(f.Context(), Command("root"), invitation("invited", "invited@example.se", storage.RoleOwner))
	f.ok(err)
	disabled, err := f.Find(f.Context(), "disabled")
	f.ok(err)
	yes := true
	_, err = f.Change(f.Context(), Command("root"), disabled.ID, Change{Disabled: &yes})
	f.ok(err)
	for _, locked := range []string{"locked", "nobody locked"} {
		for range accountPolicy.Free {
			_, err := f.LogIn(f.Context(), locked, secret.New("wrong"), From{})
			f.is(err, ErrRefused)
		}
	}
	type work struct {
		err    error
		hashes uint64
		steps  string
	}
	tried := func(name, password string) work {
		before := f.hasher.Made()
		f.spy.steps = nil
		_, err := f.LogIn(f.Context(), name, secret.New(password), home)
		return work{err, f.hasher.Made() - before, strings.Join(f.spy.steps, " ")}
	}
	want := tried("nobody", "wrong password")
	if want.hashes != 1 || want.err != ErrRefused {
		t.Fatalf("an unknown name: %+v", want)
	}
	for i, attempt := range [][2]string{
		{"active", "wrong password"}, {"active@example.se", "wrong password"}, {"locked", "wrong password"}, {"locked", good}, {"nobody locked", "wrong"}, {"disabled", good},
		{"invited", good}, {"nobody@example.se", good}, {"", ""}, {"active", ""}, {"active", strings.Repeat("x", 1<<16)}, {"active", "\x00"}, {"not a name\x00", "x"},
	} {
		if got := tried(attempt[0], attempt[1]); got != want {
			t.Errorf("attempt %d, %.20q: %+v, want %+v", i, attempt, got, want)
		}
	}
	f.events()
}

// TestForgottenTellsNothing: the same of what mail may be asked for.
func TestForgottenTellsNothing(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	_, link, err := f.Bootstrap(f.Context(), Command("root"), invitation("unconfirmed", "unconfirmed@example.se", storage.RoleOwner))
	f.ok(err)
	_, err = f.Accept(f.Context(), storage.LinkBootstrap, tokenOf(link.Address.Reveal()), secret.New(good))
	f.ok(err)
	asked := func(do func() error) int {
		f.spy.steps = nil
		f.ok(do())
		return len(f.spy.steps)
	}
	for _, name := range []string{"asa", "asa@example.se", "ASA@example.se", "asa", "asa", "nobody", "unconfirmed", "unconfirmed@example.se", "", "\x00"} {
		from := From{Address: netip.MustParseAddr("198.51.100.7")}
		if n := asked(func() error { return f.Forgotten(f.Context(), name, from) }); n != 3 {
			t.Errorf("%q: %d steps, want 3", name, n)
		}
		if n := asked(func() error { return f.ForgottenName(f.Context(), name, from) }); n != 3 {
			t.Errorf("the user name of %q: %d steps, want 3", name, n)
		}
	}
	kinds := map[string]int{}
	for _, m := range f.mails() {
		kinds[m.Kind]++
		if m.To.Reveal() != "asa@example.se" {
			t.Errorf("mail to %s", m.To.Reveal())
		}
	}
	if kinds[MailReset]+kinds[MailUserName] != mailPolicy.Free || kinds[MailUserName] == 0 {
		t.Errorf("mail %v: a stranger has more sent than %d messages", kinds, mailPolicy.Free)
	}
	f.events()
}

func TestReset(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	s := f.logIn("asa", home)
	f.mail(MailNewLogin)
	for range accountPolicy.Free {
		_, err := f.LogIn(f.Context(), "asa", secret.New("wrong"), From{})
		f.is(err, ErrRefused)
	}
	f.mail(MailLocked)
	_, err := f.LogIn(f.Context(), "asa", secret.New(good), home)
	f.is(err, ErrRefused)
	f.ok(f.Forgotten(f.Context(), "ASA", home))
	token := tokenOf(f.mail(MailReset)["link"])
	f.at = f.at.Add(2*time.Hour - time.Second)
	_, err = f.Reset(f.Context(), token, secret.New("asa@example.se"))
	if !errors.As(err, new(Problems)) {
		t.Errorf("the address as password: %v", err)
	}
	const other = "en annan lång fras"
	_, err = f.Reset(f.Context(), token, secret.New(other))
	f.ok(err)
	f.mail(MailChanged)
	_, err = f.Reset(f.Context(), token, secret.New(other))
	f.is(err, ErrLink)
	_, err = f.Use(f.Context(), s.Token)
	f.is(err, ErrNoSession)
	_, err = f.LogIn(f.Context(), "asa", secret.New(good), home)
	f.is(err, ErrRefused)
	_, err = f.LogIn(f.Context(), "asa", secret.New(other), home)
	f.ok(err)
	f.ok(f.Forgotten(f.Context(), "asa", home))
	token = tokenOf(f.mail(MailReset)["link"])
	f.at = f.at.Add(2 * time.Hour)
	_, err = f.Reset(f.Context(), token, secret.New(good))
	f.is(err, ErrLink)
	f.events()
}

// TestStrangersLockNobodyOutForEver: an account waits for its password, never longer than an hour, and not for BankID.
func TestStrangersLockNobodyOutForEver(t *testing.T) {
	f := newFixture(t)
	o := f.operator("asa", "asa@example.se", storage.RoleOwner)
	number := secret.New("198512249874")
	_, err := f.Change(f.Context(), Command("root"), o.ID, Change{PersonalNumber: &number})
	f.ok(err)
	for range 150 { // all day long, from ever other addresses
		f.LogIn(f.Context(), "asa", secret.New("wrong"), From{})
		f.at = f.at.Add(7 * time.Minute)
	}
	if n := len(f.mails()); n != 1 {
		t.Errorf("%d notices were sent", n)
	}
	s, err := f.LogInByBankID(f.Context(), storage.Identity{PersonalNumber: number}, home)
	f.ok(err)
	f.ok(f.LogOut(f.Context(), s.Token))
	f.at = f.at.Add(time.Hour)
	f.logIn("asa", home)
	f.logIn("asa", home) // and the count has begun anew
}

func TestAddressesWait(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	from := func(i int) From {
		return From{Address: netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))} // one network
	}
	var wait *WaitError
	tries := 0
	for ; tries < 100 && wait == nil; tries++ {
		_, err := f.LogIn(f.Context(), fmt.Sprint("name", tries), secret.New("wrong"), from(tries))
		errors.As(err, &wait)
	}
	if tries != addressPolicy.Free+1 {
		t.Errorf("the address waits after %d attempts", tries)
	}
	_, err := f.LogIn(f.Context(), "asa", secret.New(good), from(200))
	if !errors.As(err, &wait) || !wait.Until.After(f.at) {
		t.Errorf("got %v", err)
	}
	f.logIn("asa", From{Address: netip.MustParseAddr("2001:db8:0:1::1")})
}

func TestPasswordIsHashedAnew(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	f.hasher.params = Params{16, 1}
	f.logIn("asa", home)
	o, err := f.Find(f.Context(), "asa")
	f.ok(err)
	if !strings.Contains(o.PasswordHash.Reveal(), "m=16,") {
		t.Errorf("the hash is still %s", o.PasswordHash.Reveal())
	}
	f.logIn("asa", home)
}

// TestChooseLanguage: an operator is spoken to in the language of its own choice from then on, by mail too, and none other is taken.
func TestChooseLanguage(t *testing.T) {
	f := newFixture(t)
	o := f.operator("asa", "asa@example.se", storage.RoleHelpdesk)
	s := f.logIn("asa", home)
	f.ok(f.ChooseLanguage(f.Context(), s, "en", home))
	f.mails()
	f.ok(f.Forgotten(f.Context(), "asa", home))
	if got := f.mails(); len(got) != 1 || got[0].Language != "en" {
		t.Errorf("mail goes out as %v", got)
	}
	if err := f.ChooseLanguage(f.Context(), s, "fi", home); !errors.As(err, new(Problems)) {
		t.Errorf("a language that there is not: %v", err)
	}
	f.ok(f.LogOut(f.Context(), s.Token))
	f.is(f.ChooseLanguage(f.Context(), s, "sv", home), ErrNoSession)
	now, err := f.Find(f.Context(), o.ID)
	f.ok(err)
	if now.Language != "en" {
		t.Errorf("the language is %q", now.Language)
	}
}

func TestChangePassword(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	other, s := f.logIn("asa", home), f.logIn("asa", home)
	f.mails()
	const next = "en annan lång fras"
	_, err := f.ChangePassword(f.Context(), s, secret.New("wrong"), secret.New(next), home)
	f.is(err, ErrRefused)
	_, err = f.ChangePassword(f.Context(), s, secret.New(good), secret.New(good), home)
	if !errors.As(err, new(Problems)) {
		t.Errorf("the same password: %v", err)
	}
	changed, err := f.ChangePassword(f.Context(), s, secret.New(good), secret.New(next), home)
	f.ok(err)
	f.mail(MailChanged)
	for _, old := range []*Session{other, s} {
		_, err = f.Use(f.Context(), old.Token)
		f.is(err, ErrNoSession)
	}
	_, err = f.Use(f.Context(), changed.Token)
	f.ok(err)
	f.at = f.at.Add(11 * time.Minute)
	stale, err := f.Use(f.Context(), changed.Token)
	f.ok(err)
	_, err = f.ChangePassword(f.Context(), stale, secret.New(next), secret.New(good), home)
	f.is(err, storage.ErrStepUp)
	fresh, err := f.StepUpByPassword(f.Context(), changed.Token, secret.New(next), home)
	f.ok(err)
	if fresh.Token.Equal(changed.Token) {
		t.Error("the session goes on under the same cookie")
	}
	_, err = f.ChangePassword(f.Context(), fresh, secret.New(next), secret.New(good), home)
	f.ok(err)
	f.events()
}

func TestSecondFactor(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	s := f.logIn("asa", home)
	app, err := f.BeginTOTP(f.Context(), s)
	f.ok(err)
	code := func() string {
		key, err := base32Text.DecodeString(app.Secret.Reveal())
		f.ok(err)
		return totpCode(key, f.at.Unix()/30)
	}
	if !f.logIn("asa", home).SteppedUpAt(f.at) {
		t.Error("an app that has shown no code is a second factor")
	}
	_, err = f.ConfirmTOTP(f.Context(), s, "000000")
	f.is(err, ErrRefused)
	recovery, err := f.ConfirmTOTP(f.Context(), s, code()[:3]+" "+code()[3:])
	f.ok(err)
	half := f.logIn("asa", home)
	if !half.Pending {
		t.Fatal("the password alone logs in")
	}
	_, err = f.Use(f.Context(), half.Token)
	f.is(err, ErrNoSession)
	_, err = f.SecondFactor(f.Context(), half.Token, code(), home) // seen by who looked over the shoulder
	f.is(err, ErrRefused)
	f.at = f.at.Add(30 * time.Second)
	whole, err := f.SecondFactor(f.Context(), half.Token, code(), home)
	f.ok(err)
	if whole.Token.Equal(half.Token) || whole.Pending {
		t.Error("the session has the cookie of before, or is still pending")
	}
	_, err = f.SecondFactor(f.Context(), half.Token, code(), home)
	f.is(err, ErrNoSession)
	for i, want := range []error{nil, ErrRefused} {
		half = f.logIn("asa", home)
		_, err = f.SecondFactor(f.Context(), half.Token, strings.ToLower(recovery[3].Reveal()), home)
		if !errors.Is(err, want) {
			t.Errorf("use %d of a recovery code: %v", i+1, err)
		}
	}
	if len(recovery) != recoveryCodes {
		t.Errorf("%d recovery codes", len(recovery))
	}
	for range accountPolicy.Free { // a code that is right is refused while the account waits
		f.SecondFactor(f.Context(), half.Token, "123456", home)
	}
	f.at = f.at.Add(30 * time.Second)
	_, err = f.SecondFactor(f.Context(), half.Token, code(), home)
	f.is(err, ErrRefused)
	f.events()
}

// TestGuessesAtOnce: of guesses made at the same moment no more are looked at than of those made one after the other.
func TestGuessesAtOnce(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { f.LogIn(f.Context(), "asa", secret.New("wrong"), From{}) })
	}
	all.Wait()
	_, err := f.LogIn(f.Context(), "asa", secret.New(good), From{})
	f.is(err, ErrRefused)
}

func TestBankIDChangesNoCredential(t *testing.T) {
	f := newFixture(t)
	o := f.operator("asa", "asa@example.se", storage.RoleOwner)
	number := secret.New("198512249874")
	_, err := f.LogInByBankID(f.Context(), storage.Identity{PersonalNumber: number}, home)
	f.is(err, ErrRefused)
	_, err = f.Change(f.Context(), Command("root"), o.ID, Change{PersonalNumber: &number})
	f.ok(err)
	s, err := f.LogInByBankID(f.Context(), storage.Identity{PersonalNumber: number}, home)
	f.ok(err)
	f.mails()
	for name, do := range map[string]func() error{
		"password": func() error {
			_, err := f.ChangePassword(f.Context(), s, secret.New(good), secret.New("en annan lång fras"), home)
			return err
		},
		"e-mail":   func() error { return f.AskEmailChange(f.Context(), s, secret.New("other@example.se")) },
		"totp":     func() error { _, err := f.BeginTOTP(f.Context(), s); return err },
		"passkey":  func() error { _, err := f.BeginPasskey(s); return err },
		"no totp":  func() error { return f.RemoveTOTP(f.Context(), s) },
		"recovery": func() error { _, err := f.NewRecoveryCodes(f.Context(), s); return err },
	} {
		if err := do(); !errors.Is(err, storage.ErrStepUp) {
			t.Errorf("%s: got %v, want ErrStepUp", name, err)
		}
	}
	_, err = f.Change(f.Context(), s.Actor(home), o.ID, Change{Profile: &storage.Profile{Name: secret.New("Ny"), Language: "en"}})
	f.ok(err) // a role allows it, and it is no credential
	bad := secret.New("198512249875")
	_, err = f.Change(f.Context(), s.Actor(home), o.ID, Change{PersonalNumber: &bad})
	if !errors.As(err, new(Problems)) {
		t.Errorf("a number that is none: %v", err)
	}
	if n := len(f.mails()); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
	f.events()
}

func TestOwnersAlone(t *testing.T) {
	f := newFixture(t)
	owner := f.operator("owner", "owner@example.se", storage.RoleOwner)
	sessions := map[storage.Role]*Session{}
	for _, role := range []storage.Role{storage.RoleAdmin, storage.RoleHelpdesk, storage.RoleAuditor} {
		f.operator(string(role), string(role)+"@example.se", role)
		sessions[role] = f.logIn(string(role), home)
		f.mail(MailNewLogin)
	}
	f.mails()
	yes := true
	for role, s := range sessions {
		_, err := f.Invite(f.Context(), s.Actor(home), invitation("new", "new@example.se", storage.RoleOwner))
		f.is(err, storage.ErrForbidden)
		_, err = f.Change(f.Context(), s.Actor(home), s.Operator.ID, Change{Rights: &storage.Rights{Roles: []storage.Role{storage.RoleOwner}}})
		f.is(err, storage.ErrForbidden)
		_, err = f.Change(f.Context(), s.Actor(home), owner.ID, Change{Disabled: &yes})
		f.is(err, storage.ErrForbidden)
		_, err = f.GiveLink(f.Context(), s.Actor(home), owner.ID)
		f.is(err, storage.ErrForbidden)
		if err := f.Remove(f.Context(), s.Actor(home), owner.ID); !errors.Is(err, storage.ErrForbidden) {
			t.Errorf("%s removes the owner: %v", role, err)
		}
	}
	s := f.logIn("owner", home)
	f.is(f.Remove(f.Context(), s.Actor(home), owner.ID), storage.ErrLastOwner)
	f.at = f.at.Add(10 * time.Minute)
	stale, err := f.Use(f.Context(), s.Token)
	f.ok(err)
	f.is(f.Remove(f.Context(), stale.Actor(home), sessions[storage.RoleAdmin].Operator.ID), storage.ErrStepUp)
	f.events()
}

func TestEmailChange(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	s := f.logIn("asa", home)
	f.mails()
	f.ok(f.AskEmailChange(f.Context(), s, secret.New("New@Example.se")))
	sent := f.mail(MailEmailChange)
	if sent["to"] != "New@example.se" {
		t.Errorf("the link went to %s", sent["to"])
	}
	_, err := f.LogIn(f.Context(), "new@example.se", secret.New(good), home)
	f.is(err, ErrRefused)
	_, err = f.Confirm(f.Context(), storage.LinkConfirm, tokenOf(sent["link"]))
	f.is(err, ErrLink)
	_, err = f.Confirm(f.Context(), storage.LinkEmailChange, tokenOf(sent["link"]))
	f.ok(err)
	if told := f.mail(MailChanged); told["to"] != "asa@example.se" || told["what"] != "email" {
		t.Errorf("the address of before was not told: %v", told)
	}
	f.logIn("new@example.se", home)
	_, err = f.LogIn(f.Context(), "asa@example.se", secret.New(good), home)
	f.is(err, ErrRefused)
	f.events()
}
