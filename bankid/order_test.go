package bankid

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/secret"
)

func TestOrderNext(t *testing.T) {
	ref := secret.New(testRef)
	result := &CompletionData{User: User{PersonalNumber: secret.New("191212121212")}}
	pending := Order{Kind: KindAuth, OrderRef: ref, State: Pending, HintCode: HintOutstandingTransaction}
	with := func(change func(*Order)) Order {
		o := pending
		change(&o)
		return o
	}
	complete := with(func(o *Order) { o.State, o.HintCode, o.CompletionData = Complete, "", result })
	failed := with(func(o *Order) { o.State, o.HintCode = Failed, HintUserCancel })
	tests := []struct {
		name     string
		order    Order
		response CollectResponse
		want     Order
		err      error
	}{
		{"picked up", pending, CollectResponse{ref, StatusPending, HintUserSign, nil}, with(func(o *Order) { o.HintCode = HintUserSign }), nil},
		{"unknown hint", pending, CollectResponse{ref, StatusPending, "dancing", nil}, with(func(o *Order) { o.HintCode = "dancing" }), nil},
		{"failed", pending, CollectResponse{ref, StatusFailed, HintUserCancel, nil}, failed, nil},
		{"failed for an unknown reason", pending, CollectResponse{ref, StatusFailed, "rain", nil},
			with(func(o *Order) { o.State, o.HintCode = Failed, "rain" }), nil},
		{"complete", pending, CollectResponse{ref, StatusComplete, "", result}, complete, nil},
		{"complete without a result", pending, CollectResponse{ref, StatusComplete, "", nil}, pending, ErrBadResponse},
		{"complete without a person", pending, CollectResponse{ref, StatusComplete, "", &CompletionData{}}, pending, ErrBadResponse},
		{"unknown status", pending, CollectResponse{ref, "resting", "", nil}, pending, ErrBadResponse},
		{"nothing", pending, CollectResponse{}, pending, ErrBadResponse},
		{"another order", pending, CollectResponse{secret.New("x"), StatusComplete, "", result}, pending, ErrBadResponse},
		{"pending after complete", complete, CollectResponse{ref, StatusPending, HintUserSign, nil}, complete, ErrOrderFinal},
		{"complete after failed", failed, CollectResponse{ref, StatusComplete, "", result}, failed, ErrOrderFinal},
		{"no order", Order{}, CollectResponse{Status: StatusComplete, CompletionData: result}, Order{}, ErrOrderFinal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.order.Next(tt.response)
			if !errors.Is(err, tt.err) {
				t.Errorf("got error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryHintCodeKeepsItsStatus(t *testing.T) {
	o := Order{OrderRef: secret.New(testRef), State: Pending}
	for _, h := range append(PendingHintCodes(), FailedHintCodes()...) {
		for status, want := range map[Status]State{StatusPending: Pending, StatusFailed: Failed} {
			if got, err := o.Next(CollectResponse{OrderRef: o.OrderRef, Status: status, HintCode: h}); err != nil || got.State != want || got.HintCode != h {
				t.Errorf("%s/%s became %s/%s, error %v", status, h, got.State, got.HintCode, err)
			}
		}
	}
}

func TestOrderQRData(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	shown := Order{
		Kind: KindAuth, QRStartToken: secret.New(testQRToken), QRStartSecret: secret.New(testQRSecret), ReceivedAt: at,
		State: Pending, HintCode: HintOutstandingTransaction,
	}
	tests := []struct {
		name   string
		change func(*Order)
		want   bool
	}{
		{"waiting", func(*Order) {}, true},
		{"sign order", func(o *Order) { o.Kind = KindSign }, true},
		{"picked up", func(o *Order) { o.HintCode = HintUserSign }, false},
		{"unknown hint", func(o *Order) { o.HintCode = "dancing" }, false},
		{"failed", func(o *Order) { o.State = Failed }, false},
		{"complete", func(o *Order) { o.State = Complete }, false},
		{"phone order", func(o *Order) { o.Kind = KindPhoneAuth }, false},
		{"phone sign order", func(o *Order) { o.Kind = KindPhoneSign }, false},
	}
	for _, tt := range tests {
		o := shown
		tt.change(&o)
		want := ""
		if tt.want {
			want = "bankid." + testQRToken + ".7.de42bc0d7582f287283834b77128cf2d8a2c626aa238041cf1108debd55128fd"
		}
		if got := o.QRData(at.Add(7999 * time.Millisecond)).Reveal(); got != want {
			t.Errorf("%s: got %q, want %q", tt.name, got, want)
		}
	}
}
