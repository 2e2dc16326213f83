package login

import (
	"testing"

	"brygga/bankid"
	"brygga/storage"
)

// TestBankIDPhases: three codes wait for an app, every other one tells of an app, and what is done there where it is known. Of the codes
// that an order fails with, three say nothing of an app.
func TestBankIDPhases(t *testing.T) {
	waits := map[bankid.HintCode]bool{"": true, "outstandingTransaction": true, "noClient": true, "startFailed": true, "expiredTransaction": true, "cancelled": true}
	for _, code := range append(bankid.PendingHintCodes(), "") {
		if phase := phaseOf(code); (phase == storage.PhaseWaiting) != waits[code] || phase == storage.PhaseInApp {
			t.Errorf("pending at %q is phase %d", code, phase)
		}
	}
	if phase := phaseOf("stepOfTomorrow"); phase != storage.PhaseInApp {
		t.Errorf("an unknown step is phase %d", phase)
	}
	for _, code := range append(bankid.FailedHintCodes(), "failureOfTomorrow") {
		if p := failedOrder(code); (p.Phase == storage.PhaseWaiting) != waits[code] || p.Unstarted != (code == "startFailed") || p.HintCode != string(code) {
			t.Errorf("failed with %q is %+v", code, p)
		}
	}
}
