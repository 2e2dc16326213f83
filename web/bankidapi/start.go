package bankidapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"brygga/login"
	"brygga/personnummer"
	"brygga/secret"
	"brygga/storage"
	"brygga/visibletext"
)

// The longest texts, as characters of base64 (BankID API: auth, sign).
const (
	maxAuthText = 1_500
	maxSignText = 40_000
	maxSignData = 200_000
)

// wish is what a start asks for.
type wish struct {
	PersonalNumber, EndUserIP, CallInitiator           string
	UserVisibleData, UserVisibleDataFormat, NonVisible string
	Payment                                            *storage.Payment
}

// starting returns the handler of an endpoint that makes an order of that kind.
func starting(kind storage.Kind, phone bool) func(*call, http.ResponseWriter) (*answer, error) {
	return func(c *call, w http.ResponseWriter) (*answer, error) {
		s, err := c.readBody(w, typeOf(kind))
		if err != nil {
			return nil, err
		}
		if s.id != "" {
			return nil, &fault{status: http.StatusForbidden, code: "client_generated_id", title: "Client-generated ID", detail: "orders have IDs of ours", pointer: "/data/id"}
		}
		var asked wish
		if kind == storage.KindPayment {
			if asked.Payment, err = s.readPayment(); err != nil {
				return nil, err
			}
		}
		if err := s.texts(asked.members(kind, phone)); err != nil {
			return nil, err
		}
		request, starter, err := c.requestOf(s, &asked, kind, phone)
		if err != nil {
			return nil, err
		}
		l, err := c.begin(request, starter, &asked)
		if err != nil {
			return nil, err
		}
		return c.begun(l)
	}
}

// members are the attributes that such a start may have.
func (a *wish) members(kind storage.Kind, phone bool) map[string]*string {
	to := map[string]*string{
		"personalNumber": &a.PersonalNumber, "userVisibleData": &a.UserVisibleData, "userVisibleDataFormat": &a.UserVisibleDataFormat,
	}
	if kind == storage.KindSign {
		to["userNonVisibleData"] = &a.NonVisible
	}
	if phone {
		to["callInitiator"] = &a.CallInitiator
	} else {
		to["endUserIp"] = &a.EndUserIP
	}
	return to
}

// requestOf returns the login that the wish is for. What cannot be had exactly is refused, and nothing is changed.
func (c *call) requestOf(s *sent, asked *wish, kind storage.Kind, phone bool) (storage.AuthRequest, storage.Starter, error) {
	request := storage.AuthRequest{
		ClientID: c.client.ID,
		Program:  &storage.Program{Owner: c.owner(), Expires: c.Now().Add(c.Window).UTC().Truncate(time.Microsecond), Proof: c.may(storage.ScopeOrderEvidence), Exact: true},
	}
	starter := storage.Starter{IP: c.Address(c.request).String(), Language: "sv", Method: login.MethodBankID}
	switch {
	case asked.PersonalNumber != "" && !personnummer.Valid(asked.PersonalNumber), asked.PersonalNumber == "" && phone:
		return request, starter, s.wrong("invalid_personal_number", "personalNumber", "is no personal number or coordination number of twelve digits")
	case phone && asked.CallInitiator != storage.CallByUser && asked.CallInitiator != storage.CallByParty:
		return request, starter, s.wrong("invalid_call_initiator", "callInitiator", "is neither user nor RP")
	case phone:
		request.Call = &storage.Call{Initiator: asked.CallInitiator}
		request.Program.Quiet = c.quietUntil(request.Program.Expires)
	default:
		address, err := netip.ParseAddr(asked.EndUserIP)
		if err != nil || address.Zone() != "" || address.IsUnspecified() || address.IsMulticast() {
			return request, starter, s.wrong("invalid_end_user_ip", "endUserIp", "is no address of a person: write the one that the back end sees")
		}
		starter.IP = address.Unmap().String()
	}
	if request.Payment = asked.Payment; request.Payment != nil {
		if err := s.checkPayment(request.Payment); err != nil {
			return request, starter, err
		}
	}
	request.RequiredPersonalNumber = secret.New(asked.PersonalNumber)
	request.Program.Told = c.client.WebhookURI != ""
	return request, starter, c.addTexts(&request, s, asked, kind)
}

// quietUntil returns until when an order by telephone that ends at expires keeps silent of how it failed, zero for not at all.
func (c *call) quietUntil(expires time.Time) time.Time {
	if until := c.Now().Add(c.Silence).UTC().Truncate(time.Microsecond); c.Silence > 0 && until.Before(expires) {
		return until
	}
	return time.Time{}
}

// addTexts puts what the app is to show, and what is to be signed, into the request.
func (c *call) addTexts(request *storage.AuthRequest, s *sent, asked *wish, kind storage.Kind) error {
	format, most := asked.UserVisibleDataFormat, maxAuthText
	if kind == storage.KindSign {
		most = maxSignText
	}
	if format != "" && format != visibletext.Plain && format != visibletext.Markdown {
		return s.wrong("invalid_user_visible_data", "userVisibleDataFormat", "is neither "+visibletext.Plain+" nor "+visibletext.Markdown)
	}
	if format == "" {
		format = visibletext.Plain
	}
	text := asked.UserVisibleData
	if detail := textProblem(text, format, most); detail != "" && (text != "" || kind == storage.KindSign) {
		return s.wrong("invalid_user_visible_data", "userVisibleData", detail)
	}
	data, err := base64.StdEncoding.Strict().DecodeString(asked.NonVisible)
	if err != nil || len(asked.NonVisible) > maxSignData || strings.ContainsAny(asked.NonVisible, "\r\n") {
		return s.wrong("invalid_user_non_visible_data", "userNonVisibleData", "is no base64 of at most "+strconv.Itoa(maxSignData)+" characters")
	}
	message := storage.UserMessage{Text: map[string]string{"": text}, Format: format}
	switch {
	case kind == storage.KindSign: // without data of the caller's own, what is signed along ties it to the order
		request.Sign = &storage.SignRequest{Message: message, Data: data, Approval: len(data) == 0}
	case text != "":
		request.UserMessage = &message
	}
	return nil
}

// textProblem says why the BankID app cannot show the text as it is, "" when it can as far as is known.
func textProblem(text, format string, most int) string {
	switch {
	case strings.TrimSpace(text) == "":
		return "is empty"
	case base64.StdEncoding.EncodedLen(len(text)) > most:
		return "is too long: its base64 may have " + strconv.Itoa(most) + " characters"
	case visibletext.Problem(text, format) != "":
		return "has " + visibletext.Problem(text, format)
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Cf, r) }):
		return "has characters that are not shown, or change how others read"
	}
	return ""
}

// idempotencyHeader names a start: the same one again makes no other order (IETF draft-ietf-httpapi-idempotency-key-header).
const idempotencyHeader = "Idempotency-Key"

const maxIdempotencyKey = 255

// begin makes the order, or finds the one that the same request made before.
func (c *call) begin(request storage.AuthRequest, starter storage.Starter, asked *wish) (*storage.Login, error) {
	name := c.request.Header.Get(idempotencyHeader)
	if name == "" {
		return c.Orders.Order(c, "", request, starter)
	}
	if len(name) > maxIdempotencyKey || len(c.request.Header.Values(idempotencyHeader)) > 1 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, &fault{status: http.StatusBadRequest, code: "invalid_idempotency_key", title: "Invalid idempotency key", detail: "send one of at most 255 printable characters of ASCII", header: idempotencyHeader}
	}
	id := login.ProgramID(c.client.ID + "\n" + c.owner() + "\n" + name)
	request.Nonce = asked.sum(c.request.URL.Path)
	l, err := c.Orders.Order(c, id, request, starter)
	if !errors.Is(err, storage.ErrExists) {
		return l, err
	}
	return c.again(id, request.Nonce)
}

// sum tells one wish from another.
func (a *wish) sum(path string) string {
	text := path
	for _, part := range []string{a.PersonalNumber, a.EndUserIP, a.CallInitiator, a.UserVisibleData, a.UserVisibleDataFormat, a.NonVisible} {
		text += "\n" + strconv.Itoa(len(part)) + "\n" + part
	}
	if p := a.Payment; p != nil {
		for _, part := range append([]string{p.Type, p.Recipient, p.Amount, p.Currency, p.RiskWarning}, p.RiskFlags...) {
			text += "\n" + strconv.Itoa(len(part)) + "\n" + part
		}
	}
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// makingTime is how long a repeated start waits for the order of the first.
const makingTime = storage.ClaimLife

// again returns the order that the same request made before, once it is made.
func (c *call) again(id, sum string) (*storage.Login, error) {
	ctx, cancel := context.WithTimeout(c, makingTime)
	defer cancel()
	for {
		l, err := c.Orders.OfProgram(ctx, id, c.client.ID, c.owner())
		switch {
		case err != nil:
			return nil, err
		case l.Request.Nonce != sum:
			return nil, &fault{status: http.StatusUnprocessableEntity, code: "idempotency_key_reused", title: "Idempotency key reused", detail: "another request had the same key", header: idempotencyHeader}
		case l.State != storage.LoginOpen || l.Request.Call != nil:
			return l, nil
		case !c.Orders.Starting(l) && c.Now().After(l.Created.Add(makingTime)): // it came beyond a limit, or who was to make the order has died
			return nil, &fault{status: http.StatusConflict, code: "idempotency_key_spent", title: "Idempotency key spent", detail: "that start made no order: send another key", header: idempotencyHeader}
		}
		select {
		case <-ctx.Done():
			return nil, storage.ErrBusy
		case <-time.After(50 * time.Millisecond):
		}
	}
}
