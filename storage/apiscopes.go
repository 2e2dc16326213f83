package storage

// APIScopes are the scopes of the management API that keys and clients can have, in order; package admin says what each is for.
var APIScopes = []string{
	"apikeys:read",
	"apikeys:write",
	"audit:read",
	"audit:write",
	"clients:read",
	"clients:write",
	"evidence:export",
	"evidence:read",
	"evidence:write",
	"health:read",
	"keys:read",
	"keys:write",
	"log:write",
	"logins:person",
	"logins:read",
	"notices:read",
	"notices:write",
	"operators:read",
	"operators:write",
	"services:write",
	"statistics:read",
}

// The scopes of keys with which a client's back end makes orders: which ones, and what it is told of them.
const (
	ScopeOrderAuth = "orders:auth"
	ScopeOrderSign = "orders:sign"
	// ScopeOrderPayment is for the approval of payments.
	ScopeOrderPayment = "orders:payment"
	ScopeOrderPhone   = "orders:phone" // to make the first two by telephone
	// ScopeOrderDevice tells of the person's device, ScopeOrderEvidence what proves a result, ScopeOrderSecret what the codes on screens are made from.
	ScopeOrderDevice   = "orders:device"
	ScopeOrderEvidence = "orders:evidence"
	ScopeOrderSecret   = "orders:secret"
)

// OrderScopes are all of them, in order.
var OrderScopes = []string{ScopeOrderAuth, ScopeOrderDevice, ScopeOrderEvidence, ScopeOrderPayment, ScopeOrderPhone, ScopeOrderSecret, ScopeOrderSign}
