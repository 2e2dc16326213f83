package bankidapi

import (
	"net/http"

	"brygga/storage"
)

// endpoint is one operation over HTTP.
type endpoint struct {
	method, path, summary string
	// scopes are those that the key must have, all of them.
	scopes []string
	// body is the type of the resource that a request has, empty for none. attributes are those that it may have, required those that it must.
	body                 string
	attributes, required []string
	// answers is the type of the resource of an answer, empty for none; made says that it is a new one.
	answers  string
	made     bool
	pictures []string
	handle   func(*call, http.ResponseWriter) (*answer, error)
}

// isNewer reports whether the older contract has no such operation, so that it is there in JSON:API alone.
func (e *endpoint) isNewer() bool { return e.body == typePayment }

var (
	authAttributes    = []string{"personalNumber", "endUserIp", "userVisibleData", "userVisibleDataFormat"}
	signAttributes    = append(authAttributes[:len(authAttributes):len(authAttributes)], "userNonVisibleData")
	phoneAttributes   = []string{"personalNumber", "callInitiator", "userVisibleData", "userVisibleDataFormat"}
	phoneSigned       = append(phoneAttributes[:len(phoneAttributes):len(phoneAttributes)], "userNonVisibleData")
	paymentAttributes = append(authAttributes[:len(authAttributes):len(authAttributes)], "userVisibleTransaction", "riskFlags")
	named             = []string{"orderRef"}
)

// endpoints are all of them.
var endpoints = []endpoint{
	{"POST", "/auth", "Ask a person to identify", []string{storage.ScopeOrderAuth}, typeAuth, authAttributes, []string{"endUserIp"},
		typeAuth, true, nil, starting(storage.KindIdentify, false)},
	{"POST", "/sign", "Ask a person to sign a text", []string{storage.ScopeOrderSign}, typeSign, signAttributes, []string{"endUserIp", "userVisibleData"},
		typeSign, true, nil, starting(storage.KindSign, false)},
	{"POST", "/phone/auth", "Ask a person on the telephone to identify", []string{storage.ScopeOrderAuth, storage.ScopeOrderPhone}, typeAuth, phoneAttributes, []string{"personalNumber", "callInitiator"},
		typeAuth, true, nil, starting(storage.KindIdentify, true)},
	{"POST", "/phone/sign", "Ask a person on the telephone to sign a text", []string{storage.ScopeOrderSign, storage.ScopeOrderPhone}, typeSign, phoneSigned, []string{"personalNumber", "callInitiator", "userVisibleData"},
		typeSign, true, nil, starting(storage.KindSign, true)},
	{"POST", "/payment", "Ask a person to approve a payment", []string{storage.ScopeOrderPayment}, typePayment, paymentAttributes, []string{"endUserIp", "userVisibleTransaction"},
		typePayment, true, nil, starting(storage.KindPayment, false)},
	{"POST", "/collect", "Ask how an order stands", nil, typeCollect, named, named, typeCollect, false, nil, collect},
	{"POST", "/cancel", "End an order", nil, typeCancel, named, named, "", false, nil, cancel},
	{"GET", "/orders/{id}", "Ask how an order stands", nil, "", nil, nil, "order", false, nil, show},
	{"DELETE", "/orders/{id}", "End an order", nil, "", nil, nil, "", false, nil, remove},
	{"GET", "/orders/{id}/qr", "Get the QR code of this second", nil, "", nil, nil, typeQR, false, []string{svgType, pngType, textType}, showQR},
}
