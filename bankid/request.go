package bankid

import (
	"net/netip"

	"brygga/secret"
)

// AuthRequest is what /auth takes. Members left zero are left out of the call (BankID API: auth).
type AuthRequest struct {
	// EndUserIP is the person's address as we see it, not a proxy's. Required.
	EndUserIP netip.Addr
	// UserVisibleData is UTF-8 text that the app shows: what is being done, and for which service. The package codes it in
	// base64, where it may be 1 500 characters long; in a sign order 40 000. A sign order must have it.
	UserVisibleData string
	// UserNonVisibleData is signed along and not shown; 1 500 characters in base64, in a sign order 200 000.
	UserNonVisibleData []byte
	// UserVisibleDataFormat says how the app shows the text; empty means plain text.
	UserVisibleDataFormat DataFormat
	// ReturnURL is what the app opens when the person is done, if the order was started with the autostart token; at most
	// 512 characters. It wins over the redirect of a launch link. It holds our nonce and is therefore kept secret.
	ReturnURL secret.String
	// ReturnRisk asks for CompletionData.Risk.
	ReturnRisk bool
	// Requirement narrows who may complete the order, and how.
	Requirement Requirement
	// Web or App tells where the order was started. At most one may be set, with at least one of its members.
	Web *Web
	App *App
}

// SignRequest is what /sign takes: the members of AuthRequest with longer texts, UserVisibleData being required (BankID
// API: sign).
type SignRequest AuthRequest

// PhoneAuthRequest is what /phone/auth takes. It has no address, browser or return address: BankID finds the app by the
// personal number (BankID API: phone/auth).
type PhoneAuthRequest struct {
	// PersonalNumber is that of the person on the call, 12 digits. Required.
	PersonalNumber secret.String
	// CallInitiator says who called whom. Required.
	CallInitiator         CallInitiator
	UserVisibleData       string     // as in AuthRequest
	UserNonVisibleData    []byte     // as in AuthRequest
	UserVisibleDataFormat DataFormat // as in AuthRequest
	// Requirement must not hold a personal number.
	Requirement Requirement
}

// PhoneSignRequest is what /phone/sign takes: the members of PhoneAuthRequest with longer texts, UserVisibleData being
// required (BankID API: phone/sign).
type PhoneSignRequest PhoneAuthRequest

// DataFormat says how the app shows UserVisibleData.
type DataFormat string

// The formats.
const (
	FormatPlainText        DataFormat = "plaintext"
	FormatSimpleMarkdownV1 DataFormat = "simpleMarkdownV1"
)

// CallInitiator says who made the call that a phone order belongs to.
type CallInitiator string

// The initiators.
const (
	CallByUser         CallInitiator = "user"
	CallByRelyingParty CallInitiator = "RP"
)

// Requirement is what BankID shall demand of the person's BankID. The zero value demands nothing.
type Requirement struct {
	PinCode             bool          // the security code must be typed even where biometrics are on
	MRTD                bool          // a passport or national identity card must be read
	CardReader          CardReader    // only with a smart card policy
	CertificatePolicies []string      // policies such as PolicyMobile or "1.2.752.78.*"; empty means every kind of BankID
	PersonalNumber      secret.String // only this person may complete the order; 12 digits
}

// CardReader is the least class of smart card reader.
type CardReader string

// The classes: the code typed on the computer, or on the reader itself.
const (
	CardReaderClass1 CardReader = "class1"
	CardReaderClass2 CardReader = "class2"
)

// Policies of the kinds of BankID, for Requirement.CertificatePolicies. The test environment has its own.
const (
	PolicyOnFile     = "1.2.752.78.1.1"
	PolicyOnCard     = "1.2.752.78.1.2"
	PolicyMobile     = "1.2.752.78.1.5"
	PolicyTestOnFile = "1.2.3.4.5"
	PolicyTestOnCard = "1.2.3.4.10"
	PolicyTestMobile = "1.2.3.4.25"
	// PolicyTestOfBanks is that of test BankIDs which some banks issue.
	PolicyTestOfBanks = "1.2.752.60.1.6"
)

// Web says from which page and browser an order was started. BankID's risk assessment uses it.
type Web struct {
	ReferringDomain  string        // registrable domain of the page: lower case, punycode, 3 to 253 characters
	UserAgent        string        // the browser's; cut at 256 bytes between characters
	DeviceIdentifier secret.String // stable for this browser, not the session cookie; at most 64 characters
}

// App says from which app of the relying party an order was started.
type App struct {
	AppIdentifier    string        // Android package or iOS bundle
	DeviceOS         string        // such as "IOS 16.7.7"
	DeviceModelName  string        // such as "Apple iPhone14,3"
	DeviceIdentifier secret.String // unique for the device; at most 64 characters
}

// The wire types below hold what is sent, revealed. They live for one call and are never logged.

type wireRef struct {
	OrderRef string `json:"orderRef"`
}

type wireRequest struct {
	EndUserIP             string           `json:"endUserIp,omitempty"`
	PersonalNumber        string           `json:"personalNumber,omitempty"`
	CallInitiator         string           `json:"callInitiator,omitempty"`
	UserVisibleData       string           `json:"userVisibleData,omitempty"`
	UserNonVisibleData    string           `json:"userNonVisibleData,omitempty"`
	UserVisibleDataFormat string           `json:"userVisibleDataFormat,omitempty"`
	ReturnURL             string           `json:"returnUrl,omitempty"`
	ReturnRisk            bool             `json:"returnRisk,omitempty"`
	Requirement           *wireRequirement `json:"requirement,omitempty"`
	Web                   *wireWeb         `json:"web,omitempty"`
	App                   *wireApp         `json:"app,omitempty"`
	Transaction           *wireTransaction `json:"userVisibleTransaction,omitempty"`
	RiskFlags             []RiskFlag       `json:"riskFlags,omitempty"`
}

type wireRequirement struct {
	PinCode             bool     `json:"pinCode,omitempty"`
	MRTD                bool     `json:"mrtd,omitempty"`
	CardReader          string   `json:"cardReader,omitempty"`
	CertificatePolicies []string `json:"certificatePolicies,omitempty"`
	PersonalNumber      string   `json:"personalNumber,omitempty"`
}

type wireWeb struct {
	ReferringDomain  string `json:"referringDomain,omitempty"`
	UserAgent        string `json:"userAgent,omitempty"`
	DeviceIdentifier string `json:"deviceIdentifier,omitempty"`
}

type wireApp struct {
	AppIdentifier    string `json:"appIdentifier,omitempty"`
	DeviceOS         string `json:"deviceOS,omitempty"`
	DeviceModelName  string `json:"deviceModelName,omitempty"`
	DeviceIdentifier string `json:"deviceIdentifier,omitempty"`
}
