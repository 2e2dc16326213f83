package login

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"brygga/bankid"
	"brygga/eid"
)

// TestBankIDSaysHowLong: what BankID asks to wait becomes that of the fault.
func TestBankIDSaysHowLong(t *testing.T) {
	for _, answer := range []*bankid.APIError{{Status: 503, Code: bankid.CodeMaintenance, RetryAfter: time.Minute}, {Status: 503, Code: bankid.CodeMaintenance}} {
		fault, ok := errors.AsType[*eid.Fault](fault(fmt.Errorf("bankid: auth: %w", answer)))
		if !ok || fault.Wait != answer.RetryAfter || fault.Reason != ReasonMaintenance {
			t.Errorf("%+v became %+v", answer, fault)
		}
	}
}
