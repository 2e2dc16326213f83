package eid

import (
	"testing"

	"brygga/storage"
)

// TestDoes: a payment is asked for by programs alone, whatever else a method does.
func TestDoes(t *testing.T) {
	some := Traits{Kinds: []storage.Kind{storage.KindIdentify, storage.KindPayment}, Channels: []Channel{ChannelBrowser, ChannelCall, ChannelAPI}}
	for _, tt := range []struct {
		kind    storage.Kind
		channel Channel
		want    bool
	}{
		{storage.KindIdentify, ChannelBrowser, true}, {storage.KindIdentify, ChannelCall, true}, {storage.KindIdentify, ChannelAPI, true},
		{storage.KindSign, ChannelAPI, false},
		{storage.KindPayment, ChannelAPI, true}, {storage.KindPayment, ChannelBrowser, false}, {storage.KindPayment, ChannelCall, false},
	} {
		if got := some.Does(tt.kind, tt.channel); got != tt.want {
			t.Errorf("%s by %s: %t", tt.kind, tt.channel, got)
		}
	}
	if calls := (&Traits{Kinds: some.Kinds, Channels: []Channel{ChannelCall}}); calls.Does(storage.KindPayment, ChannelAPI) {
		t.Error("payments by a channel that is not there")
	}
}
