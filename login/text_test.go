package login_test

import (
	"strings"
	"testing"

	"brygga/audit"
	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/secret"
	"brygga/storage"
)

// TestTextsThatBankIDRefusesStopNobody: what BankID takes as text can be known from its answer alone. The simulator answers as BankID was
// seen to for a list whose items have no space behind the plus sign.
func TestTextsThatBankIDRefusesStopNobody(t *testing.T) {
	const md, listed, bad = "simpleMarkdownV1", "Vi får:\n+ ditt namn", "Vi får:\n+Ditt för- och efternamn"
	ours := func(word string) string { return "Logga in på Appen " + word }
	h := newSimHouse(t, nil)
	for _, tt := range []struct {
		name, policy, message string
		want                  string // what the app shows; of the policy and the message it is what they say
		refused               bool
	}{
		{"nothing", "", "", ours("nothing"), false},
		{"message", "", listed, ours("message") + "\n\n" + listed, false},
		{"refused message", "", bad, ours("refused message"), true},
		{"refused message below a policy", "Hos oss", bad, "Hos oss", true},
		{"policy", listed, "", listed, false},
		{"refused policy", bad, "", ours("refused policy"), true},
	} {
		before := len(h.events(audit.TextRefused))
		client := storage.Client{ID: strings.ReplaceAll(tt.name, " ", "-"), Name: "Appen " + tt.name}
		if tt.policy != "" {
			client.Policy = storage.Policy{VisibleText: map[string]string{"sv": tt.policy}, VisibleFormat: md}
		}
		request := storage.AuthRequest{ClientID: client.ID, Nonce: "n"}
		if tt.message != "" {
			request.UserMessage = &storage.UserMessage{Text: map[string]string{"sv": tt.message}, Format: md}
		}
		if err := h.store.CreateClient(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		l, err := h.Create(t.Context(), request, secret.New("binding"), "192.0.2.1")
		if err == nil {
			l, err = h.Start(t.Context(), l.ID, other)
		}
		if err != nil || l.State != storage.LoginPending {
			t.Fatalf("%s: login is %+v, %v", tt.name, l, err)
		}
		if got := l.Order.Sent.VisibleText; got != tt.want {
			t.Errorf("%s: the app shows %q, want %q", tt.name, got, tt.want)
		}
		if events := h.events(audit.TextRefused)[before:]; (len(events) == 1) != tt.refused {
			t.Errorf("%s: %d audit events", tt.name, len(events))
		}
		h.approve(l, asa, bankidsim.Approval{})
	}
}

// TestNoSecondTryForOwnTexts: an order with our own words alone is refused for something else, and made once.
func TestNoSecondTryForOwnTexts(t *testing.T) {
	h := newSimHouse(t, nil)
	h.spoiler.mu.Lock()
	h.spoiler.start["own"] = bankidsim.Chaos{Errors: 1, ErrorStatus: 400, ErrorCode: string(bankid.CodeInvalidParameters)}
	h.spoiler.mu.Unlock()
	if l := h.startAs("own", storage.DeviceOther, storage.Policy{}); l.State != storage.LoginFailed {
		t.Errorf("login is %s: the order was tried again", l.State)
	}
}
