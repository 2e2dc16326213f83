package login_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// TestStepUpIsDemanded: what a request steps up is demanded of its order, and of the result of that, over what the client and the installation
// demand, and stands with the order as what the login has met.
func TestStepUpIsDemanded(t *testing.T) {
	t.Parallel()
	step := storage.Policy{MRTD: "yes", PinCode: "yes", ModerateRisk: "refuse", CertificatePolicies: []string{"1.2.3.4.*"}}
	for name, tt := range map[string]struct {
		client storage.Policy
		risk   string
		kinds  string // that the order is asked for with
		reason string
	}{
		"met":             {storage.Policy{ModerateRisk: "accept", CertificatePolicies: []string{"1.2.3.4.25"}}, "low", "1.2.3.4.25", ""},
		"too risky":       {storage.Policy{ModerateRisk: "accept"}, "moderate", "1.2.3.4.*", login.ReasonRisk},
		"never to be met": {storage.Policy{CertificatePolicies: []string{"1.2.3.5.25"}}, "low", "", login.ReasonUnmet},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				h.asking(tt.client)
				identity := tolvan()
				identity.Risk, identity.MRTD = tt.risk, true
				h.service.set(1, complete(identity), nil)
				l, err := h.Create(t.Context(), storage.AuthRequest{ClientID: "app", StepUp: step}, secret.New("binding"), "192.0.2.1")
				if err != nil {
					t.Fatal(err)
				}
				if l, err = h.Start(t.Context(), l.ID, other); err != nil {
					t.Fatal(err)
				}
				if tt.reason == login.ReasonUnmet {
					if h.wantState(l, storage.LoginFailed, tt.reason); h.service.orders() != 0 {
						t.Error("an order was made that nobody can meet")
					}
					return
				}
				if r := h.service.request(1); !r.MRTD || !r.PinCode || !slices.Equal(r.CertificatePolicies, []string{tt.kinds}) {
					t.Errorf("asked for was %+v", r)
				}
				l = h.after(3*time.Second, l)
				if tt.reason != "" {
					if h.wantState(l, storage.LoginFailed, tt.reason); len(h.events(audit.ResultRefused)) != 1 {
						t.Error("nobody was told")
					}
					return
				}
				h.wantState(l, storage.LoginComplete, "")
				if met := l.Order.Policy; !met.MRTD.On() || !met.PinCode.On() || met.ModerateRisk != "refuse" || met.CertificatePolicies[0] != "1.2.3.4.25" {
					t.Errorf("it has met %+v", met)
				}
			})
		})
	}
}
