package bankid

import (
	"encoding/json"
	"fmt"
	"time"

	"brygga/secret"
)

// Status is what collect says of an order.
type Status string

// The statuses.
const (
	StatusPending  Status = "pending"
	StatusFailed   Status = "failed"
	StatusComplete Status = "complete"
)

// CollectResponse is an answer to Collect. Status is one of the constants; HintCode, known or not, comes with a pending or
// failed order and CompletionData with a complete one (BankID API: collect).
type CollectResponse struct {
	OrderRef       secret.String
	Status         Status
	HintCode       HintCode
	CompletionData *CompletionData
}

// CompletionData is the result of a complete order. Whoever needs evidence stores Signature and OCSPResponse.
type CompletionData struct {
	User            User
	Device          Device
	BankIDIssueDate time.Time     // midnight UTC of the day the BankID was issued; zero if it could not be read
	StepUp          StepUp        // only what the request asked for
	Signature       secret.String // base64 of the XML signature, as received; holds the personal number
	OCSPResponse    secret.String // base64 of the DER OCSP response, as received
	Risk            Risk          // only if asked for, and not always then
}

// User is the person who completed an order, spelled as BankID spells them: some surnames come in capitals.
type User struct {
	PersonalNumber secret.String // 12 digits
	Name           secret.String // given name and surname
	GivenName      secret.String // may be several names
	Surname        secret.String
}

// Device is where the person's BankID is.
type Device struct {
	// IPAddress is the app's address as BankID sees it. It can be compared with EndUserIP only for orders started on the
	// same device, and honest ones differ too.
	IPAddress string
	UHI       secret.String // identifies the device
}

// StepUp holds the results of extra checks.
type StepUp struct {
	MRTD bool // a passport or identity card was read and accepted
}

// Risk is BankID's judgement of an order. Refuse on RiskHigh; an unknown or empty value says nothing.
type Risk string

// The levels.
const (
	RiskLow      Risk = "low"
	RiskModerate Risk = "moderate"
	RiskHigh     Risk = "high"
)

type wireCollect struct {
	OrderRef       string          `json:"orderRef"`
	Status         string          `json:"status"`
	HintCode       string          `json:"hintCode"`
	CompletionData *wireCompletion `json:"completionData"`
}

type wireCompletion struct {
	User struct {
		PersonalNumber string `json:"personalNumber"`
		Name           string `json:"name"`
		GivenName      string `json:"givenName"`
		Surname        string `json:"surname"`
	} `json:"user"`
	Device struct {
		IPAddress string `json:"ipAddress"`
		UHI       string `json:"uhi"`
	} `json:"device"`
	BankIDIssueDate string `json:"bankIdIssueDate"`
	StepUp          struct {
		MRTD bool `json:"mrtd"`
	} `json:"stepUp"`
	Signature    string `json:"signature"`
	OCSPResponse string `json:"ocspResponse"`
	Risk         string `json:"risk"`
}

// parseCollect reads a collect response. Members and codes that it does not know are no fault; a status that it does not
// know is, and so is a complete order without a person. The errors never quote the body.
func parseCollect(body []byte) (CollectResponse, error) {
	var w wireCollect
	if err := json.Unmarshal(body, &w); err != nil {
		return CollectResponse{}, fmt.Errorf("%w: not JSON of the expected shape", ErrBadResponse)
	}
	c := CollectResponse{OrderRef: secret.New(w.OrderRef), Status: Status(w.Status)}
	switch c.Status {
	case StatusPending, StatusFailed:
		c.HintCode = HintCode(harmless(w.HintCode))
	case StatusComplete:
		if w.CompletionData == nil || w.CompletionData.User.PersonalNumber == "" {
			return CollectResponse{}, ErrNamelessResult
		}
		c.CompletionData = w.CompletionData.plain()
	default:
		return CollectResponse{}, fmt.Errorf("%w: unknown status", ErrBadResponse)
	}
	return c, nil
}

func (w *wireCompletion) plain() *CompletionData {
	return &CompletionData{
		User: User{
			PersonalNumber: secret.New(w.User.PersonalNumber),
			Name:           secret.New(w.User.Name),
			GivenName:      secret.New(w.User.GivenName),
			Surname:        secret.New(w.User.Surname),
		},
		Device:          Device{IPAddress: w.Device.IPAddress, UHI: secret.New(w.Device.UHI)},
		BankIDIssueDate: parseDate(w.BankIDIssueDate),
		StepUp:          StepUp{MRTD: w.StepUp.MRTD},
		Signature:       secret.New(w.Signature),
		OCSPResponse:    secret.New(w.OCSPResponse),
		Risk:            Risk(harmless(w.Risk)),
	}
}

// parseDate reads the day from "2020-02-01Z", as BankID answers it, from "2020-02-01", as it is documented, with another offset
// or with a time of day; what else it may be, the login must not fail over it. The day is the written one and is not moved by
// the offset.
func parseDate(text string) time.Time {
	for _, layout := range []string{"2006-01-02Z07:00", "2006-01-02", "2006-01-02Z0700", time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
		}
	}
	return time.Time{}
}
