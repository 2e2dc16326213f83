package netidlogin

import (
	"encoding/base64"
	"errors"
	"strings"

	"brygga/netid"
	"brygga/personnummer"
	"brygga/secret"
	"brygga/storage"
)

// identity returns who the certificate of a proven result names. What it does not have, or has in no usable form, is left out: by what a person must be
// known, a client's policy says.
func (m *method) identity(proof *netid.Proof, r *netid.Result) storage.Identity {
	p := proof.Person
	i := storage.Identity{
		Method: Name, Name: shown(p.Name), GivenName: shown(p.GivenName), Surname: shown(p.Surname), Email: email(p.Email), Work: workOf(&p), Issuer: proof.Issuer,
		DeviceIP: address(r.Device.Address), DeviceName: clean(r.Device.Name), DeviceVersion: clean(r.Device.Version),
	}
	if i.Name.IsZero() {
		i.Name = secret.New(strings.TrimSpace(i.GivenName.Reveal() + " " + i.Surname.Reveal()))
	}
	key := m.serialNumberKey(proof.Issuer)
	if key != storage.KeyEmployeeNumber && personnummer.Valid(p.SerialNumber.Reveal()) {
		i.PersonalNumber = p.SerialNumber
	} else {
		addKey(&i, key, p.SerialNumber, proof.Issuer)
	}
	if i.Key(storage.KeyEmployeeNumber).Value.IsZero() {
		addKey(&i, storage.KeyEmployeeNumber, p.EmployeeNumber, proof.Issuer)
	}
	addKey(&i, storage.KeyPrincipalName, p.PrincipalName, "")
	return i
}

// evidenceOf returns what proves a result.
func evidenceOf(proof *netid.Proof, r *netid.Result) (*storage.Evidence, error) {
	e := &storage.Evidence{
		Certificate: proof.Certificate.Raw, ValidFrom: proof.Certificate.NotBefore.UTC(), ValidTo: proof.Certificate.NotAfter.UTC(),
	}
	var errOCSP, errSignature error
	e.OCSP, errOCSP = decoded(r.OCSPResponse)
	e.Signature, errSignature = decoded(r.Signature)
	return e, errors.Join(errOCSP, errSignature)
}

func decoded(text secret.String) ([]byte, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text.Reveal()), ""))
	if err != nil {
		return nil, errors.New("the OCSP response or signature of a Net iD result is not base64")
	}
	return der, nil
}
