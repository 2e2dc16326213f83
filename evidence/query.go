package evidence

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/digitorus/timestamp"

	"brygga/cms"
)

// Query is a question to a time-stamping authority (RFC 3161 §2.4.1), which has one answer: it holds a number of its own.
type Query struct {
	// DER is the question as it is sent.
	DER    []byte
	hash   [sha256.Size]byte
	nonce  *big.Int
	policy asn1.ObjectIdentifier
}

// NewQuery returns the question for a stamp of a record's hash, by a policy of the authority or, when it is empty, by any. It returns an error for a policy
// that is no OID.
func NewQuery(hash [sha256.Size]byte, policy string) (*Query, error) {
	q := &Query{hash: hash}
	var err error
	if q.policy, err = ParsePolicy(policy); err != nil {
		return nil, err
	}
	if q.nonce, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64)); err != nil {
		return nil, err
	}
	r := timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: hash[:], Certificates: true, Nonce: q.nonce, TSAPolicyOID: q.policy}
	if q.DER, err = r.Marshal(); err != nil {
		return nil, fmt.Errorf("evidence: write a time-stamp query: %w", err)
	}
	return q, nil
}

// ParsePolicy reads the policy of a time-stamping authority, such as 1.2.752.1, and nil for an empty text.
func ParsePolicy(text string) (oid asn1.ObjectIdentifier, err error) {
	if text == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != part {
			return nil, fmt.Errorf("%q is no OID", text)
		}
		oid = append(oid, int(n))
	}
	if len(oid) < 2 || oid[0] > 2 || oid[0] < 2 && oid[1] > 39 {
		return nil, fmt.Errorf("%q is no OID", text)
	}
	return oid, nil
}

// Read returns the stamp of an answer as it is kept, and its time. It is an error, which holds nothing of a person, when the answer is a refusal, or
// of another question, or when the authority does not chain to one of the roots.
func (q *Query) Read(answer []byte, roots *x509.CertPool) (token []byte, at time.Time, err error) {
	if !cms.Bounded(answer) {
		return nil, at, fmt.Errorf("the authority's answer is no stamp: %w", cms.ErrDeep)
	}
	stamp, err := timestamp.ParseResponse(answer)
	switch {
	case err != nil:
		return nil, at, fmt.Errorf("the authority's answer is no stamp: %w", err)
	case stamp.HashAlgorithm != crypto.SHA256 || !bytes.Equal(stamp.HashedMessage, q.hash[:]) || stamp.Nonce == nil || stamp.Nonce.Cmp(q.nonce) != 0:
		return nil, at, errors.New("the stamp answers another question")
	case q.policy != nil && !stamp.Policy.Equal(q.policy):
		return nil, at, fmt.Errorf("the stamp is by the policy %s", stamp.Policy)
	}
	if _, _, err := readStamp(stamp.RawToken, roots); err != nil {
		return nil, at, err
	}
	return stamp.RawToken, stamp.Time.UTC(), nil
}
