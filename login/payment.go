package login

import (
	"brygga/eid"
	"brygga/storage"
)

// toPay makes a request one for a payment, for which the code is demanded as for a signature. The app shows what is paid, and of texts the client's alone:
// ours say that somebody logs in.
func toPay(r *eid.Request, request *storage.AuthRequest, policy storage.Policy) {
	r.Kind, r.PinCode, r.Payment = storage.KindPayment, policy.SignPinCode.On(), request.Payment
	if request.UserMessage == nil {
		r.VisibleText, r.VisibleFormat = "", ""
	}
}
