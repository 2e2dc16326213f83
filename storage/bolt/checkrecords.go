package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"brygga/storage"
)

// checker looks at every row of a transaction.
type checker struct {
	*tx
	codec  storage.Codec
	now    time.Time
	report func(Fault)
	counts []Count

	kinds map[byte]int // rows of the expiry index
	// ended are grants that have left the index of their session, which knows when they are swept.
	ended map[string]bool
	// families is zero when the index and the tokens before lead to each refresh token once: the sum of the beginnings of the tokens'
	// hashes, less those of the hashes that are led to.
	families uint64
}

// What is wrong with a row. Errors of decoding may quote it, and are not told.
var (
	errUnopened = errors.New("cannot be unsealed or read: it was changed, or sealed with another key")
	errUnread   = errors.New("cannot be read")
	errNoExpiry = errors.New("is not in the index of what expires, or at another time: it would be kept for ever, or go early")
	errNoRecord = errors.New("leads to no record")
	errOther    = errors.New("leads to a record that says otherwise")
)

// rowChecks look at one row each. They return what is wrong, joined when it is several things.
var rowChecks = [bucketCount]func(c *checker, key, value []byte) error{
	clientsBucket: (*checker).client, originsBucket: (*checker).origin, requestsBucket: (*checker).request, loginsBucket: (*checker).login,
	pendingBucket: (*checker).pending, codesBucket: (*checker).code, grantsBucket: (*checker).grant, sidsBucket: (*checker).sid,
	tokensBucket: (*checker).token, refreshBucket: (*checker).refresh, sessionsBucket: (*checker).session, cookiesBucket: (*checker).cookie,
	sessionGrantsBucket: (*checker).sessionGrant, noticesBucket: (*checker).notice, dueBucket: (*checker).due, pushedBucket: (*checker).pushed,
	replaysBucket: (*checker).replay, keysBucket: (*checker).keySet, secretsBucket: (*checker).secret, auditBucket: (*checker).audit,
	expiryBucket: (*checker).expiry, operatorsBucket: (*checker).operator, handlesBucket: (*checker).handle, throttlesBucket: (*checker).throttle,
	mailBucket: (*checker).mail, mailDueBucket: (*checker).mailDue,
	treeBucket: (*checker).treeRow, apiKeysBucket: (*checker).apiKeyRow,
	documentsBucket: (*checker).document, evidenceBucket: (*checker).evidence, clientEvidenceBucket: (*checker).clientEvidence,
}

// kindBuckets are the buckets of the kinds of record in the expiry index.
var kindBuckets = map[byte]bucketID{
	loginKind: loginsBucket, codeKind: codesBucket, grantKind: grantsBucket, tokenKind: tokensBucket, refreshKind: refreshBucket,
	sessionKind: sessionsBucket, noticeKind: noticesBucket, pushedKind: pushedBucket, replayKind: replaysBucket, auditKind: auditBucket,
	countKind: throttlesBucket, mailKind: mailBucket, evidenceKind: clientEvidenceBucket,
}

func (c *checker) run(t *tx) error {
	c.tx = t
	for id := range bucketCount {
		bucket := t.btx.Bucket(bucketNames[id])
		if bucket == nil {
			return damage("the bucket %q is missing", bucketNames[id])
		}
		rows := 0
		cursor := bucket.Cursor()
		for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
			rows++
			c.faults(id, key, c.row(id, key, value))
		}
		c.counts = append(c.counts, Count{string(bucketNames[id]), rows})
	}
	c.compareExpiry()
	return nil
}

// row returns what is wrong with a row. Another that is damaged is told when its turn comes.
func (c *checker) row(id bucketID, key, value []byte) error {
	text, err := plain(id, key, value)
	if err != nil {
		return errSum
	}
	if check := rowChecks[id]; check != nil {
		err = check(c, key, text)
	}
	c.damaged = nil
	return err
}

// faults reports what a check has found of the row.
func (c *checker) faults(id bucketID, key []byte, err error) {
	if err == nil {
		return
	}
	for problem := range strings.SplitSeq(err.Error(), "\n") {
		c.report(Fault{Kind: string(bucketNames[id]), Key: storage.KeyHash(key), Problem: problem})
	}
}

// compareExpiry reports where the expiry index has other rows than there are records: each has one, but only the first refresh token of
// a family.
func (c *checker) compareExpiry() {
	for id := range c.ended {
		c.faults(grantsBucket, []byte(id), errNoExpiry)
	}
	if c.families != 0 {
		c.report(Fault{Kind: string(bucketNames[refreshBucket]), Problem: "some are in no family, or in two: they would be kept for ever, or go early"})
	}
	for kind, bucket := range kindBuckets {
		rows, records := c.kinds[kind], c.counts[bucket].Rows
		if kind == refreshKind {
			continue
		}
		if rows != records {
			c.report(Fault{Kind: string(bucketNames[expiryBucket]), Problem: fmt.Sprintf("%d rows lead to the %d records of %s", rows, records, bucketNames[bucket])})
		}
	}
}

// expires returns an error unless the record has its row in the expiry index.
func (c *checker) expires(at time.Time, kind byte, key []byte) error {
	if !c.has(expiryBucket, expiryRow(at, kind, key)) {
		return errNoExpiry
	}
	return nil
}

// leads returns an error unless there is such a record.
func (c *checker) leads(id bucketID, key []byte) error {
	if !c.has(id, key) {
		return errNoRecord
	}
	return nil
}

func (c *checker) client(key, value []byte) error {
	client, err := decodeClient(value)
	if err != nil {
		return errUnread
	}
	generation := c.generation(client.ID)
	if client.ID != string(key) || generation == 0 || generation > c.bucket(clientsBucket).Sequence() {
		err = errors.New("is another client's, or has no generation that was ever given")
	}
	for _, origin := range client.WebOrigins() {
		if !c.has(originsBucket, memberKey(origin, client.ID)) {
			err = errors.Join(err, errors.New("a web origin of it is not in the index"))
		}
	}
	return err
}

func (c *checker) origin(key, _ []byte) error {
	origin, id, _ := strings.Cut(string(key), "\x00")
	row := c.get(clientsBucket, []byte(id))
	if row == nil {
		return errNoRecord
	}
	client, err := decodeClient(row)
	if err != nil {
		return nil // told with the client
	}
	for _, has := range client.WebOrigins() {
		if has == origin {
			return nil
		}
	}
	return errOther
}

func (c *checker) request(key, _ []byte) error { return c.leads(loginsBucket, key) }

func (c *checker) login(key, value []byte) error {
	login, err := c.codec.DecodeLogin(string(key), c.get(requestsBucket, key), value)
	if err != nil {
		return errUnopened
	}
	if !bytes.Equal(c.get(pendingBucket, key), pendingRow(login)) {
		err = errors.New("the index of pending orders says otherwise")
	}
	if login.Request.Document != (storage.Hash{}) && !c.has(documentsBucket, key) {
		err = errors.Join(err, errors.New("what is to be signed with it is missing"))
	}
	return errors.Join(err, c.expires(login.Expires, loginKind, key))
}

func (c *checker) pending(key, _ []byte) error { return c.leads(loginsBucket, key) }

func (c *checker) code(key, value []byte) error {
	var row codeRow
	if json.Unmarshal(value, &row) != nil {
		return errUnread
	}
	return errors.Join(c.expires(row.Kept, codeKind, key), c.leads(grantsBucket, []byte(row.GrantID)))
}

// grantAt returns the grant of that ID.
func (c *checker) grantAt(id []byte) (*storage.Grant, error) {
	row := c.get(grantsBucket, id)
	if row == nil {
		return nil, errNoRecord
	}
	if len(row) < generationSize {
		return nil, errUnopened
	}
	grant, err := c.codec.DecodeGrant(string(id), row[generationSize:])
	if err != nil {
		return nil, errUnopened
	}
	return grant, nil
}

func (c *checker) grant(key, value []byte) error {
	grant, err := c.grantAt(key)
	if err != nil {
		return err
	}
	generation := binary.BigEndian.Uint64(value)
	if generation > c.bucket(clientsBucket).Sequence() {
		err = errors.New("is of a client's generation that was never given")
	}
	stands := grant.Live(c.now) && !grant.Offline && (generation == 0 || generation == c.generation(grant.ClientID))
	if stands && grant.SessionID != "" && !c.has(sidsBucket, memberKey(grant.SessionID, grant.ID)) {
		err = errors.Join(err, errors.New("a logout by its sid would not find it"))
	}
	row := c.get(sessionGrantsBucket, memberKey(grant.Session, grant.ID))
	switch {
	case grant.Session == "":
		return errors.Join(err, c.grantExpires(grant, grant.Expires))
	case len(row) >= 8:
		return err // sessionGrant looks at its expiry
	case stands:
		err = errors.Join(err, errors.New("the end of its session would not find it"))
	}
	c.ended[grant.ID] = true
	return err
}

func (c *checker) sid(key, _ []byte) error {
	sid, id, _ := bytes.Cut(key, []byte{0})
	grant, err := c.grantAt(id)
	if err == nil && grant.SessionID != string(sid) {
		err = errOther
	}
	return told(err)
}

// told leaves out what is told of the record itself.
func told(err error) error {
	if errors.Is(err, errUnopened) {
		return nil
	}
	return err
}

func (c *checker) token(key, value []byte) error {
	var row tokenRow
	if json.Unmarshal(value, &row) != nil {
		return errUnread
	}
	return c.expires(row.Expires, tokenKind, key)
}

func (c *checker) refresh(key, value []byte) error {
	var row refreshRow
	if json.Unmarshal(value, &row) != nil {
		return errUnread
	}
	var err error
	c.families += beginning(key)
	if row.Next != nil {
		c.families -= beginning(row.Next)
		if !c.has(refreshBucket, row.Next) {
			err = errors.New("the token that followed is missing")
		}
	}
	if c.now.Before(row.Expires) && !c.has(grantsBucket, []byte(row.GrantID)) {
		err = errors.Join(err, errors.New("its grant is missing"))
	}
	return err
}
