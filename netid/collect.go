package netid

import (
	"context"
	"errors"

	"brygga/secret"
)

// State is how far an order has come.
type State int

// The states.
const (
	Pending State = iota
	Failed
	Complete
)

// Collection is what a collect brought.
type Collection struct {
	State State
	// Code is the service's word. An unknown one is kept if it looks like a code.
	Code Code
	// Detail is what else the service said of an order that failed, with nothing of a person; see [ServiceError.Detail]. It may be empty.
	Detail string
	// Result is what the service hands out, once, only when Complete. Nothing in it is proven: see [Verifier.Verify].
	Result *Result
}

// Result is what the service says of a complete order. Texts are as they came; any but the signature may be empty.
type Result struct {
	// RequestedUserID repeats whom the order was for.
	RequestedUserID secret.String
	// Signature is PKCS#7, or the bare signature, in base64.
	Signature secret.String
	// OCSPResponse is in base64.
	OCSPResponse secret.String
	// ValidatorResponse is of the service's own check; its form is not published.
	ValidatorResponse secret.String
	User              User
	Device            Device
}

// User is who the service says signed.
type User struct {
	Name, GivenName, Surname                   secret.String
	PersonalNumber, UserID, UniqueName         secret.String
	Certificate                                secret.String // DER in base64
	NotBefore, NotAfter, CertificateThumbprint string        // of the certificate, in a form that is not published
}

// Device is what the service says of the device with the app.
type Device struct {
	Name, Version string // of its operating system
	Address       string // IP address
}

// Collect asks for the state of an order. An order that has ended is a Collection and no error, whether the service said so by a fault or in
// its answer. ErrOrderGone means that the service does not know the order, or has handed its result out; any other error of the service ends
// the order too.
func (a *API) Collect(ctx context.Context, ref secret.String) (Collection, error) {
	if !isToken(ref) {
		return Collection{}, &InvalidRequestError{"orderRef", "is missing, or no reference"}
	}
	result, err := a.call(ctx, callCollect, []field{{"orderRef", ref.Reveal()}})
	if failed, ok := errors.AsType[*ServiceError](err); ok && failed.Code != "" {
		return a.judge(failed, nil)
	}
	if err != nil {
		return Collection{}, err
	}
	r := &reader{e: result}
	said := &ServiceError{Call: callCollect, Status: 200, Code: parseCode(r.text("progressStatus"))}
	read := readResult(r)
	if r.err != nil {
		return Collection{}, r.err
	}
	return a.judge(said, read)
}

// judge says what a code means, which a fault or an answer has brought.
func (a *API) judge(said *ServiceError, result *Result) (Collection, error) {
	inAnswer := result != nil
	switch class := said.Code.Class(); {
	case class == ClassProgress && inAnswer:
		return Collection{State: Pending, Code: said.Code}, nil
	case class == ClassComplete && inAnswer && result.Signature.IsZero():
		return Collection{}, ErrUnsigned
	case class == ClassComplete && inAnswer:
		return Collection{State: Complete, Code: said.Code, Result: result}, nil
	case class == ClassEnded:
		return Collection{State: Failed, Code: said.Code}, nil
	case class == ClassUnknown && inAnswer && !a.o.UnknownEnds:
		return Collection{State: Pending, Code: said.Code}, nil
	case class == ClassUnknown:
		return Collection{State: Failed, Code: said.Code, Detail: said.said}, nil
	case class != ClassFault:
		return Collection{}, ErrBadResponse // progress, or an end, without an answer
	}
	return Collection{}, said
}

func readResult(r *reader) *Result {
	user, device := r.inside("userInfo"), r.inside("deviceInfo")
	result := &Result{
		RequestedUserID: hidden(r.text("requestedUserId")), Signature: hidden(r.text("signature")), OCSPResponse: hidden(r.text("ocspResponse")),
		ValidatorResponse: hidden(r.text("validatorResponse") + r.text("nivResponse")), // as the versions call it
		User:              readUser(user),
		Device:            Device{Name: device.text("name"), Version: device.text("version"), Address: device.text("address")},
	}
	r.err = errors.Join(r.err, user.err, device.err)
	return result
}

func readUser(r *reader) User {
	return User{
		Name: hidden(r.text("name")), GivenName: hidden(r.text("givenName")), Surname: hidden(r.text("surname")),
		PersonalNumber: hidden(r.text("personalNumber")), UserID: hidden(r.text("userId")), UniqueName: hidden(r.text("userUniqueName")),
		Certificate: hidden(r.text("certificate")),
		NotBefore:   r.text("notBefore"), NotAfter: r.text("notAfter"), CertificateThumbprint: r.text("thumbprint"),
	}
}

// hidden returns text as a secret, zero for none.
func hidden(text string) secret.String {
	if text == "" {
		return secret.String{}
	}
	return secret.New(text)
}
