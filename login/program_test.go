package login_test

import (
	"errors"
	"testing"
	"time"

	"brygga/bankid/bankidsim"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// program begins a login of a program of the client called word.
func (h *simHouse) program(word string, request storage.AuthRequest) (*storage.Login, error) {
	h.t.Helper()
	if err := h.store.CreateClient(h.t.Context(), storage.Client{ID: word, Name: "Appen " + word}); err != nil && !errors.Is(err, storage.ErrExists) {
		h.t.Fatal(err)
	}
	request.ClientID = word
	request.Program = &storage.Program{Owner: "key:" + word, Expires: time.Now().Add(time.Minute), Proof: word == "proof", Exact: true}
	return h.Order(h.t.Context(), "", request, storage.Starter{IP: "192.0.2.1", Language: "sv", DeviceIdentifier: word})
}

// TestOrderOfAProgram has persons identify and sign for a program: it is handed the order's code and link, nobody has to come back, and what proves the
// result is kept for the one that may have it.
func TestOrderOfAProgram(t *testing.T) {
	h := newSimHouse(t, nil)
	text := &storage.UserMessage{Text: map[string]string{"": "Hämta paket 7 # 1"}, Format: "plaintext"}
	for word, request := range map[string]storage.AuthRequest{
		"plain": {}, "proof": {UserMessage: text}, "sign": {Sign: toSign("sign")}, "person": {RequiredPersonalNumber: secret.New(asa)},
	} {
		l, err := h.program(word, request)
		if err != nil {
			t.Fatal(word, err)
		}
		if l.State != storage.LoginPending || h.Frame(l).IsZero() || l.Order.AutoStartToken.IsZero() || l.Order.ReturnRequired() {
			t.Fatalf("%s: %s, with a code: %v, a token: %v, a return: %v", word, l.State, !h.Frame(l).IsZero(), !l.Order.AutoStartToken.IsZero(), l.Order.ReturnRequired())
		}
		if asked := h.spoiler.asked[word]; asked.ReferringDomain != "" || request.UserMessage != nil && asked.VisibleText != text.In("") {
			t.Errorf("%s: the service was asked with the domain %q and the text %q", word, asked.ReferringDomain, asked.VisibleText)
		}
		h.approve(l, asa, bankidsim.Approval{})
		done := h.settled(l)
		if done.State != storage.LoginComplete || !done.Answerable() {
			t.Fatalf("%s: %s %+v", word, done.State, done.Failure)
		}
		proof := done.Identity.Evidence
		if word == "proof" && (proof == nil || len(proof.Signature) == 0 || len(proof.OCSP) == 0) || word != "proof" && proof != nil {
			t.Errorf("%s: the proof is %v", word, proof != nil)
		}
	}
}

// TestOrderOfAProgramIsNeverRenewed: the program has shown the code of the first order, and no other takes its place.
func TestOrderOfAProgramIsNeverRenewed(t *testing.T) {
	h := newSimHouse(t, nil)
	l, err := h.program("unopened", storage.AuthRequest{})
	if err != nil {
		t.Fatal(err)
	}
	h.Seen(t.Context(), l)
	if _, err := h.sim.Fail(l.Order.Ref.Reveal(), "startFailed"); err != nil {
		t.Fatal(err)
	}
	if l := h.settled(l); l.Failure.Reason != "startFailed" || l.Orders != 1 || l.Failure.At.IsZero() {
		t.Errorf("ended as %+v after %d orders", l.Failure, l.Orders)
	}
}

// TestExactTextIsNotLeftOut: a text that the service does not take makes no order without it.
func TestExactTextIsNotLeftOut(t *testing.T) {
	h := newSimHouse(t, nil)
	_, err := h.program("refused", storage.AuthRequest{UserMessage: &storage.UserMessage{Text: map[string]string{"": "\U0001f600"}, Format: "simpleMarkdownV1"}})
	if unmade, ok := errors.AsType[*login.UnmadeError](err); !ok || unmade.Reason != login.ReasonRejected {
		t.Fatal(err)
	}
}

// TestProgramsNeverMeet: a login of a program is found for its client and its name alone, and one of a browser for no program.
func TestProgramsNeverMeet(t *testing.T) {
	h := newSimHouse(t, nil)
	l, err := h.program("mine", storage.AuthRequest{})
	if err != nil {
		t.Fatal(err)
	}
	browser, err := h.Create(t.Context(), storage.AuthRequest{ClientID: "mine"}, secret.New("binding"), "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct{ what, id, client, owner string }{
		{"another program", l.ID, "mine", "key:other"}, {"a nameless program", l.ID, "mine", ""}, {"another client", l.ID, "other", "key:mine"},
		{"a login of a browser", browser.ID, "mine", ""}, {"no login", "AAAAAAAAAAAAAAAAAAAAAA", "mine", "key:mine"},
	} {
		if found, err := h.OfProgram(t.Context(), one.id, one.client, one.owner); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: found %v, %v", one.what, found != nil, err)
		}
	}
	if found, err := h.OfProgram(t.Context(), l.ID, "mine", "key:mine"); err != nil || found.ID != l.ID {
		t.Errorf("its own: %v", err)
	}
	if l.BoundTo(secret.New("binding")) || l.BoundTo(secret.String{}) {
		t.Error("it is bound to a browser")
	}
}
