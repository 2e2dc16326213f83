package evidence

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brygga/bankid"
	"brygga/secret"
	"brygga/storage"
)

// recordFormat names the form of a record. A reader that does not know it must not guess.
const recordFormat = "brygga evidence record 1"

// MaxLine bounds a record: a document of 240 000 characters stands in the signature in base64, that in base64 again, and once beside it.
const MaxLine = 2 << 20

// ErrUnusable means that a text is no evidence: not its form, cut, or changed in a way that no record is written.
var ErrUnusable = errors.New("no evidence")

func unusable(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrUnusable, fmt.Sprintf(format, a...))
}

// Record is one result with all that was known when it came.
type Record struct {
	ID          string // of the record
	Issuer      string // of the installation
	Client      Client
	Transaction string // what the client knows the login or signature by, its claim "txn"
	Method      string // "bankid" or "netid"

	// Sent is what was asked of the eID service, and Person who it said had answered.
	Sent   bankid.Expected
	Person bankid.User
	// Payment is what was approved, nil but of a payment.
	Payment *storage.Payment
	// Signature and OCSPResponse are as they came (BankID API: collect).
	Signature, OCSPResponse secret.String
	// Root is the certificate in DER that the person's chain ends in. It proves nothing by standing here.
	Root []byte
	// NetID is what a record of Net iD Access says besides, nil of any other. Its Root is the issuer of the person's certificate, and of its Sent and Person
	// there is what that service knows.
	NetID *NetID
}

// Client is the app that the result was for.
type Client struct{ ID, Name string }

// wireRecord is a record as it is written. Its members never change their meaning within one format; times are UTC.
type wireRecord struct {
	Format      string       `json:"format"`
	ID          string       `json:"id"`
	Issuer      string       `json:"issuer"`
	ClientID    string       `json:"client_id"`
	ClientName  string       `json:"client_name"`
	Transaction string       `json:"txn"`
	Method      string       `json:"method"`
	Sent        wireSent     `json:"sent"`
	Result      wireResult   `json:"result"`
	Root        []byte       `json:"root"`
	NetID       *wireNetID   `json:"netid,omitempty"`
	Payment     *wirePayment `json:"payment,omitempty"`
}

type wireSent struct {
	Kind             string    `json:"kind"` // auth, sign, phone/auth, phone/sign, payment
	Text             []byte    `json:"text"` // shown to the person, UTF-8
	TextFormat       string    `json:"text_format"`
	Data             []byte    `json:"data"` // signed along, not shown
	Policies         []string  `json:"policies"`
	RelyingParty     string    `json:"relying_party"` // distinguished name, RFC 4514
	RelyingPartyName string    `json:"relying_party_name"`
	StartedAt        time.Time `json:"started_at"`
	EndedAt          time.Time `json:"ended_at"`
}

type wireResult struct {
	PersonalNumber string `json:"personal_number"`
	Name           string `json:"name"`
	GivenName      string `json:"given_name"`
	Surname        string `json:"surname"`
	Signature      string `json:"signature"`
	OCSPResponse   string `json:"ocsp_response"`
}

// Line returns the record as it is kept and exported: JSON without a line's end. It is the same for the same record, holds personal data, and is what
// [Hash] is taken of.
func (r *Record) Line() ([]byte, error) {
	w := wireRecord{
		Format: recordFormat, ID: r.ID, Issuer: r.Issuer, ClientID: r.Client.ID, ClientName: r.Client.Name, Transaction: r.Transaction,
		Method: cmp.Or(r.Method, "bankid"), Root: r.Root, NetID: r.NetID.wire(), Payment: wireOfPayment(r.Payment),
		Sent: wireSent{
			Kind: string(r.Sent.Kind), Text: []byte(r.Sent.UserVisibleData), TextFormat: string(r.Sent.UserVisibleDataFormat),
			Data: r.Sent.UserNonVisibleData, Policies: r.Sent.CertificatePolicies, RelyingParty: r.Sent.RelyingParty.Name,
			RelyingPartyName: r.Sent.RelyingParty.DisplayName, StartedAt: r.Sent.StartedAt.UTC(), EndedAt: r.Sent.EndedAt.UTC(),
		},
		Result: wireResult{
			PersonalNumber: r.Person.PersonalNumber.Reveal(), Name: r.Person.Name.Reveal(), GivenName: r.Person.GivenName.Reveal(),
			Surname: r.Person.Surname.Reveal(), Signature: r.Signature.Reveal(), OCSPResponse: r.OCSPResponse.Reveal(),
		},
	}
	return w.line()
}

func (w *wireRecord) line() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(w); err != nil {
		return nil, fmt.Errorf("evidence: write a record: %w", err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// Hash returns the SHA-256 of a record's line, which the audit log and a time stamp name.
func Hash(line []byte) [sha256.Size]byte { return sha256.Sum256(line) }

// SignatureIn returns the signature in a line that this installation has written, of which it reads nothing else: whether the line is one that was written is for
// its sum to say.
func SignatureIn(line []byte) (secret.String, error) {
	var w struct {
		Format string `json:"format"`
		Result struct {
			Signature string `json:"signature"`
		} `json:"result"`
	}
	if err := json.Unmarshal(line, &w); err != nil || w.Format != recordFormat {
		return secret.String{}, unusable("the record is no %q", recordFormat)
	}
	return secret.New(w.Result.Signature), nil
}

// ReadRecord returns the record of a line, or ErrUnusable with the reason. A line that says the same in other words (another order, a member
// twice, spaces) is none either: no two lines are one record.
func ReadRecord(line []byte) (*Record, error) {
	var w wireRecord
	if len(line) > MaxLine {
		return nil, unusable("the record is longer than %d bytes", MaxLine)
	}
	if err := json.Unmarshal(line, &w); err != nil {
		return nil, unusable("the record is no JSON object of the right form")
	}
	if w.Format != recordFormat {
		return nil, unusable("the record is no %q", recordFormat)
	}
	if again, err := w.line(); err != nil || !bytes.Equal(again, line) {
		return nil, unusable("the record is not written as records are, so it was changed")
	}
	return &Record{
		ID: w.ID, Issuer: w.Issuer, Client: Client{w.ClientID, w.ClientName}, Transaction: w.Transaction, Method: w.Method, Root: w.Root, NetID: w.NetID.read(), Payment: w.Payment.read(),
		Sent: bankid.Expected{
			Kind: bankid.Kind(w.Sent.Kind), UserVisibleData: string(w.Sent.Text), UserVisibleDataFormat: bankid.DataFormat(w.Sent.TextFormat),
			UserNonVisibleData: w.Sent.Data, CertificatePolicies: w.Sent.Policies,
			RelyingParty: bankid.RelyingParty{Name: w.Sent.RelyingParty, DisplayName: w.Sent.RelyingPartyName},
			StartedAt:    w.Sent.StartedAt, EndedAt: w.Sent.EndedAt,
		},
		Person: bankid.User{
			PersonalNumber: secret.New(w.Result.PersonalNumber), Name: secret.New(w.Result.Name),
			GivenName: secret.New(w.Result.GivenName), Surname: secret.New(w.Result.Surname),
		},
		Signature: secret.New(w.Result.Signature), OCSPResponse: secret.New(w.Result.OCSPResponse),
	}, nil
}
