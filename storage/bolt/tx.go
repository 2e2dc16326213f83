package bolt

import (
	"bytes"
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
)

type bucketID int

// The buckets. What their keys and values are stands at the functions that write them.
const (
	metaBucket           bucketID = iota // what the store says of itself
	clientsBucket                        // client ID → generation (8 bytes) + JSON
	originsBucket                        // web origin + 0 + client ID → nothing
	requestsBucket                       // login ID → sealed, what never changes of the login
	loginsBucket                         // login ID → sealed, what changes
	pendingBucket                        // login ID → expiry (8 bytes) + collector, while its order is pending
	codesBucket                          // hash → JSON
	grantsBucket                         // grant ID → client generation (8 bytes) + sealed
	sidsBucket                           // sid + 0 + grant ID → nothing
	tokensBucket                         // hash → JSON
	refreshBucket                        // hash → JSON
	sessionsBucket                       // session ID → sealed
	cookiesBucket                        // hash of the cookie → session ID
	sessionGrantsBucket                  // session ID + 0 + grant ID → when the grant is swept (8 bytes)
	noticesBucket                        // notice ID → due (8 bytes) + sealed
	dueBucket                            // due (8 bytes) + notice ID → nothing
	pushedBucket                         // hash → sealed
	replaysBucket                        // key → expiry (8 bytes)
	keysBucket                           // "set" → revision (8 bytes) + sealed
	secretsBucket                        // name → sealed
	auditBucket                          // time (8 bytes) + event ID → JSON
	treeBucket                           // level (1 byte) + index (8 bytes) → a tile of the audit tree; FF → the tree itself, JSON
	expiryBucket                         // expiry (8 bytes) + kind + key of the record → see sweep
	operatorsBucket                      // operator ID → sealed
	handlesBucket                        // handle → operator ID
	throttlesBucket                      // key → JSON
	mailBucket                           // mail ID → due (8 bytes) + sealed
	mailDueBucket                        // due (8 bytes) + mail ID → nothing
	apiKeysBucket                        // key ID → JSON
	notesBucket                          // key → value
	documentsBucket                      // login ID → sealed
	evidenceBucket                       // ID → sealed
	clientEvidenceBucket                 // client ID + 0 + creation (8 bytes) + ID → nothing
	bucketCount
)

// The names are those of the file. What is called "sessions" there was so called before browsers had any.
var bucketNames = [bucketCount][]byte{
	[]byte("meta"), []byte("clients"), []byte("origins"), []byte("requests"), []byte("logins"), []byte("pending"), []byte("codes"), []byte("grants"),
	[]byte("sessions"), []byte("tokens"), []byte("refresh"), []byte("browsers"), []byte("cookies"), []byte("browser grants"),
	[]byte("notices"), []byte("due"), []byte("pushed"), []byte("replays"), []byte("keys"), []byte("secrets"), []byte("audit"),
	[]byte("tree"), []byte("expiry"), []byte("operators"), []byte("operator handles"), []byte("throttles"), []byte("mail"), []byte("mail due"), []byte("API keys"),
	[]byte("notes"), []byte("documents"), []byte("evidence"), []byte("client evidence"),
}

// tx is a transaction, for reading or shared by the steps of one batch. Its put and remove count as writes.
type tx struct {
	btx          *bbolt.Tx
	buckets      [bucketCount]*bbolt.Bucket
	writes       int
	pendingDelta int64
	logins       map[string]written[storage.Login] // as written in this transaction, nil when removed
	grants       map[string]written[grantRow]      // the same of grants
	tokens       map[string]written[storage.AccessToken]
	after        []func() // to be called when the transaction is on disk
	damaged      error    // of a row that get came upon: the step has failed
}

func (t *tx) bucket(id bucketID) *bbolt.Bucket {
	if t.buckets[id] == nil {
		t.buckets[id] = t.btx.Bucket(bucketNames[id])
		if id == expiryBucket || id == auditBucket || id == tokensBucket {
			t.buckets[id].FillPercent = 0.9 // keys come in the order of time: full pages stay as they are
		}
	}
	return t.buckets[id]
}

// inOrder says that most rows come in the order of their keys: full pages stay as they are in every bucket.
func (t *tx) inOrder() {
	for id := range bucketCount {
		t.bucket(id).FillPercent = 0.9
	}
}

// get returns the value, or nil. It is valid until the next write of this transaction and must not be changed. Where the row is damaged, it
// returns nil, and the step, or what reads, fails whatever it makes of that.
func (t *tx) get(id bucketID, key []byte) []byte {
	if len(key) == 0 {
		return nil
	}
	whole := t.bucket(id).Get(key)
	if whole == nil {
		return nil
	}
	row, err := plain(id, key, whole)
	if err != nil {
		t.damaged = err
	}
	return row
}

// has reports whether there is such a row, with a value or without.
func (t *tx) has(id bucketID, key []byte) bool {
	found, _ := t.bucket(id).Cursor().Seek(key)
	return found != nil && bytes.Equal(found, key)
}

// put stores value, which must not be changed before the transaction ends.
func (t *tx) put(id bucketID, key, value []byte) error {
	t.writes++
	if summed[id].is {
		value = withSum(key, value)
	}
	return t.bucket(id).Put(key, value)
}

func (t *tx) remove(id bucketID, key []byte) error {
	t.writes++
	return t.bucket(id).Delete(key)
}

// Kinds of record in the expiry index.
const (
	loginKind   byte = 'l'
	codeKind    byte = 'c'
	grantKind   byte = 'g'
	tokenKind   byte = 't'
	refreshKind byte = 'r'
	sessionKind byte = 's'
	noticeKind  byte = 'n'
	pushedKind  byte = 'p'
	replayKind  byte = 'u'
	auditKind   byte = 'a'
	countKind   byte = 'h' // of attempts
	mailKind    byte = 'm'
	// evidenceKind is by the key of clientEvidenceBucket.
	evidenceKind byte = 'e'
)

// expiryRow is the key of the record's row in the expiry index.
func expiryRow(expires time.Time, kind byte, key []byte) []byte {
	row := appendUp(make([]byte, 0, 9+len(key)), expires)
	return append(append(row, kind), key...)
}

// putExpiry notes that the record may be swept from expires on. Note is handed to the sweep.
func (t *tx) putExpiry(expires time.Time, kind byte, key, note []byte) error {
	return t.put(expiryBucket, expiryRow(expires, kind, key), note)
}

// removeExpiry takes back what putExpiry noted, because the record is gone or lives longer.
func (t *tx) removeExpiry(expires time.Time, kind byte, key []byte) error {
	return t.remove(expiryBucket, expiryRow(expires, kind, key))
}

// appendMicros appends the time in microseconds since 1970, rounded down, so that rows sort by time. Times before count as 1970.
func appendMicros(row []byte, at time.Time) []byte {
	return binary.BigEndian.AppendUint64(row, uint64(max(0, at.UnixMicro())))
}

// appendUp is appendMicros rounded up: what begins at that time begins never a nanosecond too early.
func appendUp(row []byte, at time.Time) []byte { return appendMicros(row, at.Add(time.Microsecond-1)) }

// micros returns the time at the start of the row.
func micros(row []byte) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(row))).UTC()
}
