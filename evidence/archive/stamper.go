package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/evidence"
	"brygga/storage"
)

// Authority gives time stamps over HTTP (RFC 3161 §3.4).
type Authority struct {
	URL string
	// Roots are what its certificate must lead to: a stamp that nobody can verify is none.
	Roots *x509.CertPool
	// Policy is the one by which it stamps, as an OID; empty for any.
	Policy string
	Client *http.Client
	// Now is the clock.
	Now func() time.Time
}

const (
	// maxAnswer bounds an answer in bytes: a token with some certificates.
	maxAnswer = 64 << 10
	// maxSkew is by how much the authority's clock may differ from ours: a stamp with a wrong time would prove something untrue for ever.
	maxSkew = 5 * time.Minute
)

// Stamp returns a stamp of the hash, in DER. It is verified as whoever looks at it later will do. The error holds nothing of a person.
func (a *Authority) Stamp(ctx context.Context, hash [sha256.Size]byte) ([]byte, error) {
	query, err := evidence.NewQuery(hash, a.Policy)
	if err != nil {
		return nil, err
	}
	answer, err := a.ask(ctx, query.DER)
	if err != nil {
		return nil, fmt.Errorf("ask the time-stamping authority: %w", err)
	}
	token, at, err := query.Read(answer, a.Roots)
	if err != nil {
		return nil, err
	}
	if skew := a.Now().Sub(at).Abs(); skew > maxSkew {
		return nil, fmt.Errorf("the time-stamping authority's clock and ours differ by %s", skew.Round(time.Second))
	}
	return token, nil
}

func (a *Authority) ask(ctx context.Context, query []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	r.Header.Set("Accept", "application/timestamp-reply")
	response, err := a.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers with %d", response.StatusCode)
	case len(answer) > maxAnswer:
		return nil, errors.New("it answers with too much")
	}
	return answer, nil
}

// Attesting is a store whose records can be attested.
type Attesting interface {
	Evidence(ctx context.Context, id string, now time.Time) (*storage.EvidenceRecord, error)
	AttestEvidence(ctx context.Context, id string, a storage.Attestation, now time.Time) error
}

// Stamper has records stamped that the audit log tells of: it is a receiver of the log, so that its queue is the log itself, which no login waits for and
// no crash loses. It keeps the log's event with the record too, as the log may keep it for a shorter time.
type Stamper struct {
	Store     Attesting
	Authority *Authority
	Log       *slog.Logger
	Now       func() time.Time
}

// Wants says which events tell of evidence.
func Wants(t audit.Type) bool { return t.Common() == audit.LoginCompleted }

// atOnce is how many stamps are asked for at a time.
const atOnce = 8

// Deliver has the records stamped that the events name, and returns of how many events, from the first on, nothing is left to do. When its time is up it has
// done what it could.
func (s *Stamper) Deliver(ctx context.Context, events []tree.Leaf) (done int, err error) {
	for done < len(events) {
		some := events[done:min(done+atOnce, len(events))]
		failed := make([]error, len(some))
		var all sync.WaitGroup
		for i := range some {
			all.Go(func() { failed[i] = s.attest(ctx, &some[i]) })
		}
		all.Wait()
		if i := slices.IndexFunc(failed, func(err error) bool { return err != nil }); i >= 0 {
			if done += i; done > 0 && ctx.Err() != nil {
				return done, nil
			}
			return done, failed[i]
		}
		done += len(some)
	}
	return done, nil
}

// attest has the record stamped that the event names, unless there is nothing to stamp. A record that is not the one the event names is not: a stamp
// would speak for it.
func (s *Stamper) attest(ctx context.Context, leaf *tree.Leaf) error {
	sum, id := leaf.Event.Fields[evidence.HashField], leaf.Event.Fields["TXN"]
	if sum == "" {
		return nil
	}
	r, err := s.Store.Evidence(ctx, id, s.Now())
	switch {
	case errors.Is(err, storage.ErrNotFound): // it is kept no longer
		return nil
	case errors.Is(err, storage.ErrUnreadable), err == nil && (hex.EncodeToString(r.Sum[:]) != sum || r.Whole() != nil):
		s.Log.ErrorContext(ctx, "evidence is not the record that was written", "evidence", id, "event", leaf.Event.ID)
		return nil
	case err != nil:
		return fmt.Errorf("read evidence: %w", err)
	case r.Erased != (storage.Erasure{}) || len(r.Attested.Stamp) > 0:
		return nil
	}
	stamp, err := s.Authority.Stamp(ctx, r.Sum)
	if err != nil {
		return err
	}
	err = s.Store.AttestEvidence(ctx, id, storage.Attestation{Event: string(leaf.Text), Stamp: stamp}, s.Now())
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrConflict) { // erased, or stamped by another, meanwhile
		return nil
	}
	return err
}
