package login_test

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/evidence"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// toSign is what a client has to sign.
func toSign(word string) *storage.SignRequest {
	return &storage.SignRequest{
		Language: "sv",
		Message:  storage.UserMessage{Text: map[string]string{"sv": "# Avtal\n\nJag köper *en cykel*.\n", "en": "# Contract\n\nI buy *a bicycle*.\n"}, Format: "simpleMarkdownV1"},
		Data:     []byte("contract of " + word),
	}
}

// startSigning starts a signature that the test calls word, as a client with that policy, on a device.
func (h *simHouse) startSigning(word, device string, sign *storage.SignRequest, policy storage.Policy) *storage.Login {
	h.t.Helper()
	if err := h.store.CreateClient(h.t.Context(), storage.Client{ID: word, Name: "Appen " + word, Policy: policy}); err != nil {
		h.t.Fatal(err)
	}
	l, err := h.Create(h.t.Context(), storage.AuthRequest{ClientID: word, Nonce: word, Sign: sign}, secret.New("binding"), "192.0.2.1")
	if err != nil {
		h.t.Fatal(err)
	}
	starter := other
	starter.Device, starter.DeviceIdentifier, starter.Language = device, word, "sv"
	starter.UserAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
	if l, err = h.Start(h.t.Context(), l.ID, starter); err != nil {
		h.t.Fatal(err)
	}
	return l
}

// TestSign has people sign: the app shows the client's text byte for byte and nothing of ours, the code must be written unless the client says
// otherwise, and the result proves the text and the data.
func TestSign(t *testing.T) {
	h := newSimHouse(t, nil)
	approval := toSign("approval")
	approval.Data, approval.Approval = nil, true
	oneLanguage := toSign("language")
	oneLanguage.Message = storage.UserMessage{Text: map[string]string{"fi": "Ostan polkupyörän."}, Format: "plaintext"}
	logins := map[string]*storage.Login{
		"this":     h.startSigning("this", storage.DeviceThis, toSign("this"), storage.Policy{}),
		"other":    h.startSigning("other", storage.DeviceOther, toSign("other"), storage.Policy{VisibleText: map[string]string{"sv": "Logga in"}}),
		"finger":   h.startSigning("finger", storage.DeviceOther, toSign("finger"), storage.Policy{SignPinCode: "no", PinCode: "yes"}),
		"approval": h.startSigning("approval", storage.DeviceOther, approval, storage.Policy{}),
		"language": h.startSigning("language", storage.DeviceOther, oneLanguage, storage.Policy{}),
	}
	for word, l := range logins {
		text, data := "# Avtal\n\nJag köper *en cykel*.\n", "contract of "+word
		switch word {
		case "approval":
			data = ""
		case "language":
			text = "Ostan polkupyörän."
		}
		if sent := l.Order.Sent; l.Order.Kind != storage.KindSign || sent.VisibleText+string(sent.NonVisible) != "" || sent.Document != l.Request.Document {
			t.Errorf("%s: the order keeps %+v of kind %s", word, sent, l.Order.Kind)
		}
		if asked := h.spoiler.asked[word]; asked.VisibleText != text || data != "" && string(asked.Data) != data || len(asked.Data) == 0 {
			t.Errorf("%s: asked for %+v", word, asked)
		}
		shown, err := h.sim.Order(l.Order.Ref.Reveal())
		if err != nil || shown.VisibleText != text || shown.Kind != "sign" || h.spoiler.asked[word].PinCode == (word == "finger") {
			t.Errorf("%s: the app has %+v, %v", word, shown, err)
		}
		h.approve(l, asa, bankidsim.Approval{})
	}
	for word, l := range logins {
		if l = h.settled(l); l.State != storage.LoginComplete || !l.Identity.PersonalNumber.Equal(secret.New(asa)) {
			t.Errorf("%s: login is %s (%q)", word, l.State, l.Failure.Reason)
		}
		if got := h.told(l, audit.ResultUnverified); len(got) > 0 {
			t.Errorf("%s: not verified: %v", word, got)
		}
		h.wantEvidence(word, l)
	}
}

// wantEvidence demands a record of the login that proves it by itself, and that the audit log knows it. It returns the record.
func (h *simHouse) wantEvidence(word string, l *storage.Login) *evidence.Record {
	h.t.Helper()
	kept, err := h.store.Evidence(h.t.Context(), l.EvidenceID, time.Now())
	if err != nil {
		h.t.Fatalf("%s: %v", word, err)
	}
	record, err := evidence.ReadRecord(kept.Line)
	if err != nil {
		h.t.Fatalf("%s: %v", word, err)
	}
	block, _ := pem.Decode(must(h.sim.SignatureRootPEM()))
	report := evidence.Verify(&evidence.File{Line: kept.Line, Record: record}, evidence.Anchors{Roots: []*x509.Certificate{must(x509.ParseCertificate(block.Bytes))}})
	if !report.OK || record.Client.ID != word || record.Issuer != "https://id.example" || kept.ClientID != word || report.SHA256 != hex.EncodeToString(kept.Sum[:]) {
		h.t.Errorf("%s: %+v", word, report.Findings)
	}
	for _, e := range h.events(audit.LoginCompleted) {
		if e.Fields["IDENTIFIER"] == l.ID && e.Fields["EVIDENCE_SHA256"] == report.SHA256 && kept.Kind == l.Order.Kind && e.Fields["KIND"] == map[bool]string{true: string(kept.Kind)}[kept.Kind.Commits()] {
			return record
		}
	}
	h.t.Errorf("%s: no event names the record", word)
	return record
}

// TestLoginsLeaveEvidence where the client has it so, for as long as it says: another keeps nothing of them.
func TestLoginsLeaveEvidence(t *testing.T) {
	h := newSimHouse(t, nil)
	for word, client := range map[string]storage.Client{
		"kept": {Evidence: storage.EvidenceAll}, "shortly": {Evidence: storage.EvidenceAll, EvidenceDays: 7}, "not": {EvidenceDays: 7},
	} {
		l := h.startWith(word, storage.DeviceOther, client)
		h.approve(l, asa, bankidsim.Approval{})
		if l = h.settled(l); l.State != storage.LoginComplete || (l.EvidenceID != "") != (word != "not") {
			t.Errorf("%s: login is %s (%q) with evidence %q", word, l.State, l.Failure.Reason, l.EvidenceID)
			continue
		}
		if word == "not" {
			continue
		}
		h.wantEvidence(word, l)
		days := map[string]int{"kept": 400, "shortly": 7}[word]
		if kept, err := h.store.Evidence(t.Context(), l.EvidenceID, time.Now()); err != nil || !kept.Kept.Equal(kept.Created.Add(time.Duration(days)*24*time.Hour)) {
			t.Errorf("%s: kept until %s, %v", word, kept.Kept, err)
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// TestSignaturesAreAttacked plays every attack of the simulator against signatures.
func TestSignaturesAreAttacked(t *testing.T) {
	h := newSimHouse(t, nil)
	logins := map[string]*storage.Login{}
	for _, attack := range bankidsim.Attacks() {
		h.spoiler.mu.Lock()
		h.spoiler.collect[attack] = bankidsim.Chaos{Attacks: []string{attack}}
		h.spoiler.mu.Unlock()
		logins[attack] = h.startSigning(attack, storage.DeviceThis, toSign(attack), storage.Policy{AddressCheck: storage.ActionRefuse})
		h.approve(logins[attack], asa, bankidsim.Approval{})
	}
	for attack, l := range logins {
		l = h.settled(l)
		if l.State != storage.LoginFailed || l.Identity != nil {
			t.Errorf("%s: login is %s with %v", attack, l.State, l.Identity)
		}
		if unverified := h.told(l, audit.ResultUnverified); attack == bankidsim.AttackSignForAuth && !slices.Equal(unverified, []string{string(bankid.CheckFunction)}) {
			t.Errorf("%s: events say %q", attack, unverified)
		}
	}
}

// TestSignedTextIsNeverLeftOut: BankID refuses a text, and nobody is asked to sign another.
func TestSignedTextIsNeverLeftOut(t *testing.T) {
	h := newSimHouse(t, nil)
	sign := toSign("emoji")
	sign.Message.Text = map[string]string{"": "Hej \U0001F600"}
	l := h.startSigning("emoji", storage.DeviceOther, sign, storage.Policy{})
	if l.State != storage.LoginFailed || l.Failure.Reason != login.ReasonRejected {
		t.Errorf("login is %s (%q)", l.State, l.Failure.Reason)
	}
	if got := len(h.events(audit.TextRefused)); got > 0 {
		t.Errorf("%d events of a text that was left out", got)
	}
	long := toSign("long")
	long.Message.Text = map[string]string{"": strings.Repeat("a", 30_000)}
	if l = h.startSigning("long", storage.DeviceOther, long, storage.Policy{}); l.State != storage.LoginPending || len(h.spoiler.asked["long"].VisibleText) != 30_000 {
		t.Errorf("the longest text: login is %s (%q)", l.State, l.Failure.Reason)
	}
}
