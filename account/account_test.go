package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

// spy counts the steps that are taken, and how many of them were.
type spy struct {
	storage.Store
	mu    sync.Mutex
	steps []string // guarded by mu
}

func (s *spy) StepOperator(ctx context.Context, step storage.OperatorStep, now time.Time, tell ...storage.TellOperator) (*storage.OperatorOutcome, error) {
	s.mu.Lock()
	s.steps = append(s.steps, fmt.Sprintf("%T", step))
	s.mu.Unlock()
	return s.Store.StepOperator(ctx, step, now, tell...)
}

type fixture struct {
	*testing.T
	*Accounts
	store storage.Store
	spy   *spy
	at    time.Time
}

var easy = Params{8, 1}

// quick returns a hasher that is no work.
func quick() *Hasher {
	h := NewHasher(0)
	h.once.Do(func() {
		h.params, h.slots = easy, make(chan struct{}, 4)
		h.dummy = encodeHash(easy, make([]byte, saltSize), make([]byte, keySize))
	})
	return h
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "store"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f := &fixture{T: t, store: store, spy: &spy{Store: store}, at: time.Date(2031, 5, 17, 9, 30, 0, 0, time.UTC)}
	now := func() time.Time { return f.at }
	log, err := audit.New(audit.Options{Store: store, PseudonymKey: make([]byte, 32), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	f.Accounts, err = New(Options{Store: f.spy, Audit: log, Key: []byte(strings.Repeat("k", 32)), Console: "https://login.example.se/admin/", Hasher: quick(), Mail: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("unexpected error: %v", err)
	}
}

func (f *fixture) is(err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("got error %v, want %v", err, want)
	}
}

const good = "tre lax i en låda"

var home = From{Address: netip.MustParseAddr("192.0.2.7"), Agent: "browser"}

func invitation(user, email string, roles ...storage.Role) Invitation {
	return Invitation{UserName: secret.New(user), Email: secret.New(email), Name: secret.New("Åsa Öberg"), Rights: storage.Rights{Roles: roles}}
}

// tokenOf returns the token in a link.
func tokenOf(address string) secret.String {
	_, token, _ := strings.Cut(address, "?token=")
	return secret.New(token)
}

// operator stores an active operator with the password good, whose address is confirmed.
func (f *fixture) operator(user, email string, roles ...storage.Role) *storage.Operator {
	f.Helper()
	_, err := f.Invite(f.Context(), Command("root"), invitation(user, email, roles...))
	f.ok(err)
	o, err := f.Accept(f.Context(), storage.LinkInvite, tokenOf(f.mail(MailInvite)["link"]), secret.New(good))
	f.ok(err)
	return o
}

// mail returns the values of the one message in the queue, which is of that kind, and takes it out.
func (f *fixture) mail(kind string) map[string]string {
	f.Helper()
	mails := f.mails()
	if len(mails) != 1 || mails[0].Kind != kind {
		f.Fatalf("got %d messages %v, want one of %s", len(mails), mails, kind)
	}
	values := map[string]string{"to": mails[0].To.Reveal()}
	for name, value := range mails[0].Values {
		values[name] = value.Reveal()
	}
	return values
}

func (f *fixture) mails() []storage.Mail {
	f.Helper()
	mails, err := f.store.ClaimMail(f.Context(), f.at, 100, func(int) time.Duration { return time.Hour })
	f.ok(err)
	for _, m := range mails {
		f.ok(f.store.DropMail(f.Context(), m.ID))
	}
	return mails
}

func (f *fixture) logIn(name string, from From) *Session {
	f.Helper()
	s, err := f.LogIn(f.Context(), name, secret.New(good), from)
	f.ok(err)
	return s
}

// events returns the types of all events, and fails when one holds a text that none may.
func (f *fixture) events() (types []audit.Type) {
	f.Helper()
	all, err := f.store.AuditEvents(f.Context(), time.Time{}, f.at.Add(time.Hour), 1000)
	f.ok(err)
	for _, e := range all {
		types = append(types, audit.Type(e.Type))
		for name, value := range e.Fields {
			for _, never := range []string{"example.se", "asa", "Åsa", good, "token=", "198512249876", "@"} {
				if strings.Contains(value, never) {
					f.Errorf("event %s has %s in %s: %q", e.Type, never, name, value)
				}
			}
		}
	}
	return types
}

func TestNames(t *testing.T) {
	f := newFixture(t)
	one := f.handle("Åsa.Öberg")
	for _, same := range []string{"åsa.öberg", "ÅSA.ÖBERG", "A\u030asa.O\u0308berg", " Åsa.Öberg ", "ａ̊sa.öberg"} {
		if f.handle(same) != one {
			t.Errorf("%q is another name", same)
		}
	}
	address := f.handle("Asa.Oberg@Example.SE")
	for _, same := range []string{"asa.oberg@example.se", "ASA.OBERG@EXAMPLE.se", " asa.oberg@example.se "} {
		if f.handle(same) != address {
			t.Errorf("%q is another address", same)
		}
	}
	if f.handle("asa@bücher.example") != f.handle("asa@xn--bcher-kva.example") {
		t.Error("a domain has two spellings")
	}
	for _, other := range []string{"asa.öberg", "Åsa.Öberg2", "åsa öberg", "", "\x00", strings.Repeat("å", 1000)} {
		if f.handle(other) == one {
			t.Errorf("%q is the same name", other)
		}
	}
	for _, none := range []string{"", "a", "a b", "a@b", "a\x00b", "<b>", strings.Repeat("a", 61), "\u202eabc", "a\u200bb"} {
		if folded := foldUserName(none); folded != "" {
			t.Errorf("%q is a user name: %q", none, folded)
		}
	}
	for _, none := range []string{"", "a", "a@b", "a@b.se\r\nBcc: x@y.se", "A <a@b.se>", "a@b.se, c@d.se", "a b@c.se", "a@-b.se", strings.Repeat("a", 250) + "@b.se"} {
		if address, _ := parseEmail(none); address != "" {
			t.Errorf("%q is an address: %q", none, address)
		}
	}
}

func TestPasswords(t *testing.T) {
	names := []secret.String{secret.New("asa.oberg"), secret.New("asa.oberg@storkommunen.se"), secret.New("Åsa Öberg")}
	for password, want := range map[string]PasswordFault{
		"":                                   PasswordShort,
		"elva tecken":                        PasswordShort,
		"tolv tecken!":                       "",
		"ååååå lax äå":                       "",
		"12345678901234567890":               PasswordSimple,
		"aaaaaaaaaaaaaaa":                    PasswordSimple,
		"abcabcabcabcabc":                    PasswordSimple,
		"hejsanhejsan":                       PasswordSimple,
		"qwertyuiopasdf":                     PasswordSimple,
		"1qaz2wsx3edc":                       PasswordSimple,
		"Password1234":                       PasswordCommon,
		"P@ssw0rd2026!":                      PasswordCommon,
		"Sommar2026!!!":                      PasswordCommon,
		"L\u00f6senord!2026":                 PasswordCommon,
		"Lo\u0308senord!2026":                PasswordCommon,
		"1234Stockholm":                      PasswordCommon,
		"dragonmonkey1":                      PasswordCommon,
		"asa.oberg2026":                      PasswordGuessable,
		"Storkommunen7!":                     PasswordGuessable,
		"brygga-bankid-1":                    PasswordGuessable,
		"stor tax under storkommunens tak":   "",
		"correct horse battery":              "",
		"zkq vbw plm trn":                    "",
		strings.Repeat("lång fras, ", 20):    "",
		strings.Repeat("lång fras. ", 30):    PasswordLong,
		strings.Repeat("x", 1<<20):           PasswordLong,
		"med\x00nolltecken och mer":          PasswordUnusable,
		"inte utf-8 \xff\xfe och mer":        PasswordUnusable,
		"Sommar och vinter, vår och regn 17": "",
	} {
		if _, got := checkPassword(secret.New(password), names...); got != want {
			t.Errorf("%.40q: got %q, want %q", password, got, want)
		}
	}
	one, _ := preparePassword(secret.New("tre l\u00e5dor\u00a0lax"))
	two, _ := preparePassword(secret.New("tre la\u030ador lax"))
	if !one.Equal(two) {
		t.Error("the same password, typed on another keyboard, is another")
	}
	if len(common)/commonSize < 10_000 {
		t.Errorf("the list has %d words", len(common)/commonSize)
	}
}

func TestHasher(t *testing.T) {
	for took, want := range map[time.Duration]Params{time.Second: ladder[0], time.Nanosecond: ladder[len(ladder)-1]} {
		if got := tune(func(Params) time.Duration { return took }); got != want {
			t.Errorf("a machine that takes %s: %v", took, got)
		}
	}
	between := tune(func(p Params) time.Duration {
		return time.Duration(p.work()) * hashTime / time.Duration(ladder[3].work())
	})
	if between != ladder[3] {
		t.Errorf("got %v, want %v", between, ladder[3])
	}
	h := quick()
	stored, err := h.Hash(t.Context(), secret.New(good))
	if err != nil || !strings.HasPrefix(stored.Reveal(), "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatalf("%v, %v", stored.Reveal(), err)
	}
	check := func(h *Hasher, password string, stored secret.String, wantFits, wantWeak bool) {
		t.Helper()
		fits, weak, err := h.Verify(t.Context(), secret.New(password), stored)
		if err != nil || fits != wantFits || weak != wantWeak {
			t.Errorf("%t, %t, %v", fits, weak, err)
		}
	}
	check(h, good, stored, true, false)
	check(h, good+"!", stored, false, false)
	check(h, "", secret.String{}, false, false)
	harder := quick()
	harder.params = Params{16, 1}
	check(harder, good, stored, true, true)
	for _, bad := range []string{"x", "$argon2id$v=19$m=4294967295,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA"} {
		if _, _, err := h.Verify(t.Context(), secret.New(good), secret.New(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

// TestHashesAtATime: log-ins wait for each other rather than for memory.
func TestHashesAtATime(t *testing.T) {
	h := quick()
	h.slots = make(chan struct{}, 1)
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, secret.New(good)); !errors.Is(err, context.Canceled) || h.Made() != 0 {
		t.Errorf("a hash was made beyond the bound: %v", err)
	}
	real := NewHasher(40 << 20)
	real.measure = func(Params) time.Duration { return time.Hour }
	real.begin()
	if n := cap(real.slots); n < 1 || n > 2 {
		t.Errorf("%d hashes of 19 MiB at a time in 40 MiB", n)
	}
}

func TestTOTP(t *testing.T) {
	key := []byte("12345678901234567890") // RFC 6238, appendix B, with the last six digits
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := totpCode(key, at/30); got != want {
			t.Errorf("at %d: got %s, want %s", at, got, want)
		}
		text := secret.New(base32Text.EncodeToString(key))
		for skew, ok := range map[int64]bool{-61: false, -30: true, 0: true, 30: true, 61: false} {
			if at+skew < 0 {
				continue
			}
			if step, got := totpStep(text, want, time.Unix(at+skew, 0)); got != ok || ok && step != at/30 {
				t.Errorf("at %d, %d s off: %d, %t", at, skew, step, got)
			}
		}
	}
}

// TestInvitationNeedsMail: an account whose link goes nowhere is not made.
func TestInvitationNeedsMail(t *testing.T) {
	f := newFixture(t)
	f.Accounts.mail = false
	_, err := f.Invite(t.Context(), Command("root"), invitation("asa", "asa@example.se", storage.RoleOwner))
	f.is(err, ErrNoMail)
	f.is(f.InviteAgain(t.Context(), Command("root"), "nobody"), ErrNoMail)
	if all, err := f.Operators(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d operators, %v", len(all), err)
	}
}
