package bankidsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
)

// Times stamps are given by the simulator's clock, with a policy that says nothing.
var (
	stampPolicy    = asn1.ObjectIdentifier{1, 2, 3, 4, 1}
	oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidTimeStamps  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
)

// maxStampRequest is more than a request needs (RFC 3161 §2.4.1).
const maxStampRequest = 4 << 10

// stampOffice is a time-stamping authority of its own, beside BankID: nothing of BankID's has one.
type stampOffice struct{ root, office *authority }

// newStampOffice makes the authority and its root (RFC 3161 §2.3: the use is critical, and the only one).
func newStampOffice(from time.Time) (*stampOffice, error) {
	name := func(text string) ([]byte, error) {
		return subject(attribute{oidCountry, "SE"}, attribute{oidCommonName, text})
	}
	rawRoot, err := name("Bryggans prov Time Stamp Root")
	if err != nil {
		return nil, err
	}
	template, err := caTemplate(rawRoot, from, from.AddDate(20, 0, 0))
	if err != nil {
		return nil, err
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root, err := issue(template, rootKey, nil)
	if err != nil {
		return nil, err
	}
	rawOffice, err := name("Bryggans prov Time Stamps")
	if err != nil {
		return nil, err
	}
	use, err := asn1.Marshal([]asn1.ObjectIdentifier{oidTimeStamps})
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	office, err := issue(&x509.Certificate{
		RawSubject: rawOffice, NotBefore: from, NotAfter: from.AddDate(5, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: oidExtKeyUsage, Critical: true, Value: use}},
	}, key, root)
	return &stampOffice{root, office}, err
}

// StampRootPEM returns the root of the time-stamping authority behind /stamps on the phone's listener.
func (s *Simulator) StampRootPEM() ([]byte, error) {
	office, err := s.stamps()
	if err != nil {
		return nil, err
	}
	return office.root.certPEM(), nil
}

// serveStamps answers time-stamp requests over HTTP (RFC 3161 §3.4).
func (s *Simulator) serveStamps(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "the content type must be application/timestamp-query", http.StatusUnsupportedMediaType)
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxStampRequest))
	if err != nil {
		http.Error(w, "the request is too long", http.StatusRequestEntityTooLarge)
		return
	}
	answer, err := s.stamp(text)
	if err != nil {
		s.log.ErrorContext(r.Context(), "time stamp cannot be made", "err", err)
		http.Error(w, "the simulator failed; see its log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.Write(answer)
}

// stamp returns the answer to a request: a stamp, or the refusal of one that is not understood.
func (s *Simulator) stamp(text []byte) ([]byte, error) {
	request, err := timestamp.ParseRequest(text)
	if err != nil {
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadDataFormat)
	}
	if request.HashAlgorithm != crypto.SHA256 || len(request.HashedMessage) != crypto.SHA256.Size() {
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadAlgorithm)
	}
	stamps, err := s.stamps()
	if err != nil {
		return nil, err
	}
	stamp := timestamp.Timestamp{
		HashAlgorithm: request.HashAlgorithm, HashedMessage: request.HashedMessage, Time: s.Now().UTC().Truncate(time.Second), Nonce: request.Nonce,
		Policy: stampPolicy, AddTSACertificate: request.Certificates,
	}
	return stamp.CreateResponseWithOpts(stamps.office.cert, stamps.office.key, crypto.SHA256)
}
