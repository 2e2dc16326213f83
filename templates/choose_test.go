package templates

import (
	"regexp"
	"strings"
	"testing"
)

// TestChoices_U13: a phone and a tablet have this device first, a computer the QR code with this computer beside it;
// what the person used last comes first everywhere, and nothing is offered that cannot work.
func TestChoices_U13(t *testing.T) {
	button := regexp.MustCompile(`name="device" value="(\w+)">(?:\s*<input[^>]*>)*\s*<button class="([^"]*)"`)
	for _, tt := range []struct {
		platform Platform
		last     Device
		want     string // the devices in order; a star marks a primary button
	}{
		{Phone, "", "this* other"},
		{Phone, ThisDevice, "this* other"},
		{Phone, OtherDevice, "other* this"},
		{Tablet, "", "this* other"},
		{Tablet, ThisDevice, "this* other"},
		{Tablet, OtherDevice, "other* this"},
		{Computer, "", "other* this"},
		{Computer, ThisDevice, "this* other"},
		{Computer, OtherDevice, "other* this"},
		{ScanOnly, "", "other*"},
		{ScanOnly, ThisDevice, "other*"},
		{"toaster", "toaster", "other* this"},
	} {
		html := fragment(t, Page{Lang: "en"}, Choose{Platform: tt.platform, Last: tt.last})
		var got []string
		for _, m := range button.FindAllStringSubmatch(html, -1) {
			if !strings.Contains(m[2], "plain") {
				m[1] += "*"
			}
			got = append(got, m[1])
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s, last %q: %v, want %s", tt.platform, tt.last, got, tt.want)
		}
		remembered := tt.last == ThisDevice && tt.platform != ScanOnly || tt.last == OtherDevice
		if strings.Contains(html, "as last time") != remembered {
			t.Errorf("%s, last %q: says that it was used last: %t", tt.platform, tt.last, !remembered)
		}
	}
}

// TestSwitch_U14: in every state that waits, and after every failure that is not final, the other device is one press away
// wherever it can work.
func TestSwitch_U14(t *testing.T) {
	views := func(d Device, on Platform) []View {
		all := []View{Starting{Device: d, Platform: on}, Failed{Reason: "startFailed", Device: d, Platform: on}}
		for _, hint := range append(HintCodesPending(), "", "somethingNew") {
			all = append(all, Pending(Waiting{Taken: taken(hint), HintCode: hint, Device: d, Platform: on, Order: "1"}))
		}
		return append(all, Progress{Step: StepReturn, Device: d, Platform: on})
	}
	for _, on := range []Platform{Phone, Tablet, Computer, ScanOnly} {
		for now, other := range map[Device]Device{ThisDevice: OtherDevice, OtherDevice: ThisDevice} {
			for _, v := range views(now, on) {
				_, exits, _ := strings.Cut(fragment(t, Page{Lang: "en"}, v), `class="exits"`)
				got := strings.Contains(exits, `name="device" value="`+string(other)+`"`)
				if failed, ok := v.(Failed); ok && on == ScanOnly && failed.Device == ThisDevice {
					continue // trying again is the QR code already
				}
				if want := other == OtherDevice || on != ScanOnly; got != want {
					t.Errorf("%s on %s device, %s: the other device offered: %t", v.Key(), now, on, got)
				}
			}
		}
	}
}
