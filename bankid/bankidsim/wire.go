package bankidsim

import "net/http"

// The answers of the API (BankID API: auth, sign, collect). They are this package's own reading, see the package comment.

type startResponse struct {
	OrderRef       string `json:"orderRef"`
	AutoStartToken string `json:"autoStartToken,omitempty"`
	QRStartToken   string `json:"qrStartToken,omitempty"`
	QRStartSecret  string `json:"qrStartSecret,omitempty"`
}

type collectResponse struct {
	OrderRef       string          `json:"orderRef"`
	Status         State           `json:"status"`
	HintCode       string          `json:"hintCode,omitempty"`
	CompletionData *completionData `json:"completionData,omitempty"`
}

type completionData struct {
	User            *userData   `json:"user,omitempty"`
	Device          deviceData  `json:"device"`
	BankIDIssueDate string      `json:"bankIdIssueDate"`
	StepUp          *stepUpData `json:"stepUp,omitempty"`
	Signature       string      `json:"signature"`
	OCSPResponse    string      `json:"ocspResponse"`
	Risk            string      `json:"risk,omitempty"`
}

type userData struct {
	PersonalNumber string `json:"personalNumber"`
	Name           string `json:"name"`
	GivenName      string `json:"givenName"`
	Surname        string `json:"surname"`
}

type deviceData struct {
	IPAddress string `json:"ipAddress"`
	UHI       string `json:"uhi"`
}

type stepUpData struct {
	MRTD bool `json:"mrtd"`
}

// apiError is an error answer of the API (BankID API: errors).
type apiError struct {
	status  int
	Code    string `json:"errorCode"`
	Details string `json:"details"`
}

func (e *apiError) Error() string { return e.Code + ": " + e.Details }

func invalid(details string) *apiError {
	return &apiError{http.StatusBadRequest, "invalidParameters", details}
}

// errNoOrder is the one answer for orders that are unknown, over or somebody else's.
var errNoOrder = &apiError{http.StatusBadRequest, "invalidParameters", "No such order"}

// errorCodes are the codes of BankID's errors by HTTP status, for errors made on request.
var errorCodes = map[int]string{
	400: "invalidParameters", 401: "unauthorized", 403: "unauthorized", 404: "notFound", 405: "methodNotAllowed", 408: "requestTimeout",
	415: "unsupportedMediaType", 429: "tooManyRequests", 500: "internalError", 503: "maintenance",
}
