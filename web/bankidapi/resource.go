package bankidapi

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"

	"brygga/login"
	"brygga/storage"
)

// The types of resources.
const (
	typeAuth    = "bankIdAuth"
	typeSign    = "bankIdSign"
	typePayment = "bankIdPayment"
	typeCollect = "bankIdCollect"
	typeCancel  = "bankIdCancel"
	typeQR      = "bankIdQr"
)

func typeOf(kind storage.Kind) string {
	switch kind {
	case storage.KindSign:
		return typeSign
	case storage.KindPayment:
		return typePayment
	}
	return typeAuth
}

// pollEvery is how often it makes sense to ask for an order: as often as BankID is asked.
const pollEvery = login.BankIDCollectEvery

type version struct {
	Version string `json:"version"`
}

// version is what a document says of itself: the older contract promises 1.0.
func (d dialect) version() version {
	if d == compat {
		return version{"1.0"}
	}
	return version{"1.1"}
}

type document struct {
	JSONAPI version `json:"jsonapi"`
	Data    any     `json:"data"`
	Links   *links  `json:"links,omitempty"`
	Meta    *meta   `json:"meta,omitempty"`
}

type resource struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	Attributes any    `json:"attributes"`
	Links      *links `json:"links,omitempty"`
}

type links struct {
	Self string `json:"self"`
}

// meta says how often it makes sense to ask again, in seconds.
type meta struct {
	PollInterval int `json:"pollInterval"`
}

// order are the attributes of an order. Which are there, its state and the rights of the key decide.
type order struct {
	OrderRef       string      `json:"orderRef"`
	AutoStartToken string      `json:"autoStartToken,omitempty"`
	QRStartToken   string      `json:"qrStartToken,omitempty"`
	QRStartSecret  string      `json:"qrStartSecret,omitempty"`
	QRData         string      `json:"qrData,omitempty"`
	Status         string      `json:"status,omitempty"`
	HintCode       string      `json:"hintCode,omitempty"`
	CompletionData *completion `json:"completionData,omitempty"`
}

// completion is what the older contract calls completionData, without what the key or its client has no right to.
type completion struct {
	User            user         `json:"user"`
	Device          *device      `json:"device,omitempty"`
	Cert            *certificate `json:"cert,omitempty"`
	BankIDIssueDate string       `json:"bankIdIssueDate,omitempty"`
	StepUp          *stepUp      `json:"stepUp,omitempty"`
	Risk            string       `json:"risk,omitempty"`
	Signature       string       `json:"signature,omitempty"`
	OCSPResponse    string       `json:"ocspResponse,omitempty"`
}

type user struct {
	PersonalNumber string `json:"personalNumber,omitempty"`
	Name           string `json:"name,omitempty"`
	GivenName      string `json:"givenName,omitempty"`
	Surname        string `json:"surname,omitempty"`
}

type device struct {
	IPAddress string `json:"ipAddress"`
}

// certificate says when the person's certificate is valid, in milliseconds since 1970.
type certificate struct {
	NotBefore string `json:"notBefore"`
	NotAfter  string `json:"notAfter"`
}

type stepUp struct {
	MRTD bool `json:"mrtd"`
}

// completionOf returns what the key may have of the result.
func (c *call) completionOf(i *storage.Identity) *completion {
	done := &completion{}
	number, names := c.client.MayHaveNumber(), c.client.MayHaveName()
	if number {
		done.User.PersonalNumber = i.PersonalNumber.Reveal()
	}
	if names {
		done.User.Name, done.User.GivenName, done.User.Surname = i.Name.Reveal(), i.GivenName.Reveal(), i.Surname.Reveal()
	}
	if c.may(storage.ScopeOrderDevice) {
		done.Device = &device{i.DeviceIP}
	}
	detail := func(name string) bool { return slices.Contains(c.client.LoginDetails, name) }
	if detail(storage.DetailRisk) {
		done.Risk = i.Risk
	}
	if detail(storage.DetailIssueDate) {
		done.BankIDIssueDate = i.IssueDate
	}
	if detail(storage.DetailMRTD) {
		done.StepUp = &stepUp{i.MRTD}
	}
	if e := i.Evidence; e != nil && c.may(storage.ScopeOrderEvidence) {
		done.addProof(e, number, names)
	}
	return done
}

// addProof puts in what proves the result, as far as it tells no more of the person than a client with those rights may know: in the signature stands the
// person's certificate, with number and name, and in the OCSP response that one's serial number.
func (done *completion) addProof(e *storage.Evidence, number, names bool) {
	if number || names {
		done.Cert = &certificate{milliseconds(e.ValidFrom), milliseconds(e.ValidTo)}
	}
	if number {
		done.OCSPResponse = base64.StdEncoding.EncodeToString(e.OCSP)
	}
	if number && names {
		done.Signature = base64.StdEncoding.EncodeToString(e.Signature)
	}
}

func milliseconds(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// reference writes the ID of a login as the UUID that callers know an order by.
func reference(id string) string {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(raw) != 16 {
		return ""
	}
	text := hex.EncodeToString(raw)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// idOf reads such a reference, or returns "".
func idOf(ref string) string {
	if len(ref) != 36 {
		return ""
	}
	raw, err := hex.DecodeString(ref[:8] + ref[9:13] + ref[14:18] + ref[19:23] + ref[24:])
	if err != nil {
		return ""
	}
	if id := base64.RawURLEncoding.EncodeToString(raw); reference(id) == ref {
		return id
	}
	return ""
}

// started returns the attributes of an order whose code and link the caller is to show.
func (c *call) started(l *storage.Login) order {
	o := order{OrderRef: reference(l.ID)}
	if l.State != storage.LoginPending || !l.Order.AwaitsApp() {
		return o
	}
	o.AutoStartToken, o.QRStartToken = l.Order.AutoStartToken.Reveal(), l.Order.QRStartToken.Reveal()
	if c.may(storage.ScopeOrderSecret) {
		o.QRStartSecret = l.Order.QRStartSecret.Reveal()
		return o
	}
	o.QRData = c.Orders.Frame(l).Reveal()
	return o
}

// begun answers a start. In JSON:API it is the making of a resource (1.1 §9.1).
func (c *call) begun(l *storage.Login) (*answer, error) {
	self := c.self(l)
	r := resource{Type: typeOf(l.Request.Kind), ID: reference(l.ID), Attributes: c.started(l)}
	if c.dialect == compat {
		return &answer{status: http.StatusOK, body: document{JSONAPI: c.dialect.version(), Data: r, Meta: polling}}, nil
	}
	r.Links = self
	return &answer{status: http.StatusCreated, location: self.Self, body: document{JSONAPI: c.dialect.version(), Data: r, Meta: polling}}, nil
}

var polling = &meta{int(pollEvery / time.Second)}

func (c *call) self(l *storage.Login) *links {
	return &links{c.Issuer + Path + "/orders/" + reference(l.ID)}
}
