package bolt

import (
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
)

type bucketID int

// The buckets. What their keys and values are stands at the functions that write them.
const (
	metaBucket     bucketID = iota // "format", "key check"
	clientsBucket                  // client ID → generation (8 bytes) + JSON
	loginsBucket                   // login ID → sealed
	pendingBucket                  // login ID → expiry (8 bytes) + collector, while its order is pending
	codesBucket                    // hash → JSON
	grantsBucket                   // grant ID → client generation (8 bytes) + sealed
	sessionsBucket                 // session ID + 0 + grant ID → nothing
	tokensBucket                   // hash → JSON
	keysBucket                     // "set" → revision (8 bytes) + sealed
	secretsBucket                  // name → sealed
	auditBucket                    // time (8 bytes) + event ID → JSON
	expiryBucket                   // expiry (8 bytes) + kind + key of the record → see sweep
	bucketCount
)

var bucketNames = [bucketCount][]byte{
	[]byte("meta"), []byte("clients"), []byte("logins"), []byte("pending"), []byte("codes"), []byte("grants"),
	[]byte("sessions"), []byte("tokens"), []byte("keys"), []byte("secrets"), []byte("audit"), []byte("expiry"),
}

// tx is a transaction, for reading or shared by the steps of one batch. Its put and remove count as writes.
type tx struct {
	btx          *bbolt.Tx
	buckets      [bucketCount]*bbolt.Bucket
	writes       int
	pendingDelta int64
	logins       map[string]*storage.Login // as written in this transaction, nil when removed
	after        []func()                  // to be called when the transaction is on disk
}

func (t *tx) bucket(id bucketID) *bbolt.Bucket {
	if t.buckets[id] == nil {
		t.buckets[id] = t.btx.Bucket(bucketNames[id])
		if id == expiryBucket || id == auditBucket {
			t.buckets[id].FillPercent = 0.9 // keys come in the order of time: full pages stay as they are
		}
	}
	return t.buckets[id]
}

// get returns the value, or nil. It is valid until the next write of this transaction and must not be changed.
func (t *tx) get(id bucketID, key []byte) []byte {
	if len(key) == 0 {
		return nil
	}
	return t.bucket(id).Get(key)
}

// put stores value, which must not be changed before the transaction ends.
func (t *tx) put(id bucketID, key, value []byte) error {
	t.writes++
	return t.bucket(id).Put(key, value)
}

func (t *tx) remove(id bucketID, key []byte) error {
	t.writes++
	return t.bucket(id).Delete(key)
}

// Kinds of record in the expiry index.
const (
	loginKind byte = 'l'
	codeKind  byte = 'c'
	grantKind byte = 'g'
	tokenKind byte = 't'
	auditKind byte = 'a'
)

// putExpiry notes that the record may be swept from expires on. Note is handed to the sweep.
func (t *tx) putExpiry(expires time.Time, kind byte, key, note []byte) error {
	row := make([]byte, 0, 9+len(key))
	row = appendMicros(row, expires.Add(time.Microsecond-1)) // never a nanosecond too early
	row = append(row, kind)
	return t.put(expiryBucket, append(row, key...), note)
}

// appendMicros appends the time in microseconds since 1970, rounded down, so that rows sort by time. Times before count as 1970.
func appendMicros(row []byte, at time.Time) []byte {
	return binary.BigEndian.AppendUint64(row, uint64(max(0, at.UnixMicro())))
}

// live returns ErrNotFound when the record has expired at now.
func live(expires, now time.Time) error {
	if now.Before(expires) {
		return nil
	}
	return storage.ErrNotFound
}
