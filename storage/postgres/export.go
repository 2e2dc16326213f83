package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// export is how the records of a kind are read: a statement that takes the key to go on behind ($1), now ($2) and a limit ($3), in the order of
// the keys, and what makes an entry of a row.
type export struct {
	query string
	after func(key []byte) any
	entry func(s *Store, row pgx.Rows) (storage.Entry, error)
}

func textKey(key []byte) any { return string(key) }

func bytesKey(key []byte) any {
	if key == nil {
		return []byte{}
	}
	return key
}

var exports = map[storage.EntryKind]export{
	storage.SecretEntry: {`SELECT name, body FROM secrets WHERE name > $1 AND $2::timestamptz IS NOT NULL ORDER BY name LIMIT $3`, textKey, (*Store).secretEntry},
	storage.ClientEntry: {`SELECT id, generation, body FROM clients WHERE id > $1 AND $2::timestamptz IS NOT NULL ORDER BY id LIMIT $3`, textKey, (*Store).clientEntry},
	storage.LoginEntry: {`SELECT l.id, r.body, l.body FROM logins l LEFT JOIN login_requests r ON r.id = l.id
		WHERE l.id > $1 AND l.expires > $2 ORDER BY l.id LIMIT $3`, textKey, (*Store).loginEntry},
	storage.GrantEntry: {`SELECT id, generation, sid IS NOT NULL OR session IS NOT NULL, kept, revoked, body FROM grants
		WHERE id > $1 AND CASE WHEN session IS NULL THEN expires ELSE kept END > $2 ORDER BY id LIMIT $3`, textKey, (*Store).grantEntry},
	storage.CodeEntry: {`SELECT hash, grant_id, client_id, redirect_uri, challenge, resources, expires, spent, kept FROM codes
		WHERE hash > $1 AND kept > $2 ORDER BY hash LIMIT $3`, bytesKey, (*Store).codeEntry},
	storage.AccessEntry: {`SELECT hash, grant_id, issued, expires, scopes, resources FROM access_tokens WHERE hash > $1 AND expires > $2 ORDER BY hash LIMIT $3`, bytesKey, (*Store).accessEntry},
	storage.RefreshEntry: {`SELECT r.hash, r.grant_id, r.generation, r.expires, r.spent, r.next, r.kept FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id
		WHERE r.hash > $1 AND r.kept > $2 ORDER BY r.hash LIMIT $3`, bytesKey, (*Store).refreshEntry},
	storage.SessionEntry:  {`SELECT id, body FROM sessions WHERE id > $1 AND ends > $2 ORDER BY id LIMIT $3`, textKey, (*Store).sessionEntry},
	storage.NoticeEntry:   {`SELECT id, due, attempts, body FROM logout_notices WHERE id > $1 AND expires > $2 ORDER BY id LIMIT $3`, textKey, (*Store).noticeEntry},
	storage.OperatorEntry: {`SELECT id, body FROM operators WHERE id > $1 AND $2::timestamptz IS NOT NULL ORDER BY id LIMIT $3`, textKey, (*Store).operatorEntry},
	storage.ThrottleEntry: {`SELECT key, body FROM throttles WHERE key > $1 AND expires > $2 ORDER BY key LIMIT $3`, bytesKey, (*Store).throttleEntry},
	storage.MailEntry:     {`SELECT id, due, attempts, body FROM mail WHERE id > $1 AND expires > $2 ORDER BY id LIMIT $3`, textKey, (*Store).mailEntry},
	storage.PushedEntry:   {`SELECT hash, body FROM pushed_requests WHERE hash > $1 AND expires > $2 ORDER BY hash LIMIT $3`, bytesKey, (*Store).pushedEntry},
	storage.UsedEntry:     {`SELECT key, expires FROM used_once WHERE key > $1 AND expires > $2 ORDER BY key LIMIT $3`, bytesKey, (*Store).usedEntry},
	storage.APIKeyEntry:   {`SELECT id, body FROM api_keys WHERE id > $1 AND $2::timestamptz IS NOT NULL ORDER BY id LIMIT $3`, textKey, (*Store).apiKeyEntry},
	storage.NoteEntry:     {`SELECT key, body FROM notes WHERE key > $1 AND $2::timestamptz IS NOT NULL ORDER BY key LIMIT $3`, bytesKey, (*Store).noteEntry},
	storage.DocumentEntry: {`SELECT id, body FROM login_documents WHERE id > $1 AND expires > $2 ORDER BY id LIMIT $3`, textKey, (*Store).documentEntry},
	storage.EvidenceEntry: {`SELECT id, body FROM evidence WHERE id > $1 AND kept > $2 ORDER BY id LIMIT $3`, textKey, (*Store).evidenceEntry},
	storage.TileEntry:     {`SELECT key, body FROM audit_tiles WHERE key > $1 AND $2::timestamptz IS NOT NULL ORDER BY key LIMIT $3`, bytesKey, (*Store).tileEntry},
}

// Export returns entries that follow after; see storage.Source.
func (s *Store) Export(ctx context.Context, after storage.Position, now time.Time, limit int) (entries []storage.Entry, err error) {
	for _, kind := range storage.EntryKinds() {
		if kind < after.Kind || len(entries) == limit {
			continue
		}
		var behind []byte
		if kind == after.Kind {
			behind = after.Key
		}
		var more []storage.Entry
		err := s.trip(ctx, func(ctx context.Context, db executor) (err error) {
			more, err = s.exportKind(ctx, db, kind, behind, kind == after.Kind, now, limit-len(entries))
			return err
		})
		if err != nil {
			return nil, err
		}
		entries = append(entries, more...)
	}
	return entries, nil
}

// exportKind returns at most limit entries of the kind that follow behind. Begun says that some are behind already.
func (s *Store) exportKind(ctx context.Context, db executor, kind storage.EntryKind, behind []byte, begun bool, now time.Time, limit int) ([]storage.Entry, error) {
	switch kind {
	case storage.GenerationsEntry, storage.ForgottenEntry, storage.KeysEntry, storage.TreeEntry:
		if begun {
			return nil, nil
		}
		return s.exportSingle(ctx, db, kind)
	case storage.AuditEntry:
		return s.exportAudit(ctx, db, behind, now, limit)
	}
	of := exports[kind]
	return s.entries(ctx, db, kind, of.entry, of.query, of.after(behind), now, limit)
}

// entries returns what the query finds. The first column is the key.
func (s *Store) entries(ctx context.Context, db executor, kind storage.EntryKind, entry func(*Store, pgx.Rows) (storage.Entry, error), query string, arguments ...any) (all []storage.Entry, err error) {
	rows, err := db.Query(ctx, query, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := entry(s, rows)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", storage.ErrUnreadable, storage.EntryName(kind, firstColumn(rows))) // the error itself may quote it
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// firstColumn returns the first column of the row as it came, for a name.
func firstColumn(rows pgx.Rows) []byte {
	if raw := rows.RawValues(); len(raw) > 0 {
		return bytes.Clone(raw[0])
	}
	return nil
}

// exportSingle returns the entry of a kind of which there is one at most.
func (s *Store) exportSingle(ctx context.Context, db executor, kind storage.EntryKind) ([]storage.Entry, error) {
	e := storage.Entry{Kind: kind}
	switch kind {
	case storage.GenerationsEntry:
		last, err := lastGeneration(ctx, db)
		if err != nil || last == 0 {
			return nil, err
		}
		e.Number = uint64(last)
	case storage.ForgottenEntry:
		value, err := installed(ctx, db, installedForgotten)
		if err != nil || len(value) != 8 {
			return nil, err
		}
		e.Kept = time.UnixMicro(int64(binary.BigEndian.Uint64(value))).UTC()
	case storage.TreeEntry:
		tree, err := auditTree(ctx, db)
		if err != nil || tree.Checkpoint == nil {
			return nil, err
		}
		e.Record = &tree
	case storage.KeysEntry:
		var revision int64
		var body []byte
		err := db.QueryRow(ctx, `SELECT revision, body FROM signing_keys`).Scan(&revision, &body)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		keys, err := s.codec.DecodeSigningKeys(body)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", storage.ErrUnreadable, kind)
		}
		e.Record, e.Number = keys, uint64(revision)
	}
	return []storage.Entry{e}, nil
}

// lastGeneration returns the last generation that a client was given, 0 for none.
func lastGeneration(ctx context.Context, db executor) (last int64, err error) {
	var given bool
	err = db.QueryRow(ctx, `SELECT last_value, is_called FROM client_generations`).Scan(&last, &given)
	if !given {
		last = 0
	}
	return last, err
}

func (s *Store) exportAudit(ctx context.Context, db executor, behind []byte, now time.Time, limit int) ([]storage.Entry, error) {
	at, id := time.Unix(0, 0).UTC(), ""
	if len(behind) >= 8 {
		at, id = time.UnixMicro(int64(binary.BigEndian.Uint64(behind))).UTC(), string(behind[8:])
	}
	return s.entries(ctx, db, storage.AuditEntry, (*Store).auditEntry,
		`SELECT time, id, body FROM audit_events WHERE (time, id) > ($1, $2) AND expires > $3 ORDER BY time, id LIMIT $4`, at, id, now, limit)
}

func (s *Store) secretEntry(row pgx.Rows) (storage.Entry, error) {
	var name string
	var body []byte
	if err := row.Scan(&name, &body); err != nil {
		return storage.Entry{}, err
	}
	value, err := s.codec.DecodeSecret(name, body)
	return storage.Entry{Kind: storage.SecretEntry, Key: []byte(name), Record: value}, err
}

func (s *Store) clientEntry(row pgx.Rows) (storage.Entry, error) {
	var id string
	var generation int64
	var body []byte
	if err := row.Scan(&id, &generation, &body); err != nil {
		return storage.Entry{}, err
	}
	client, err := decodeClient(body)
	if err == nil && client.ID != id {
		err = errors.New("decode client: it is another's")
	}
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.ClientEntryOf(client, uint64(generation)), nil
}

func (s *Store) loginEntry(row pgx.Rows) (storage.Entry, error) {
	var id string
	var request, state []byte
	if err := row.Scan(&id, &request, &state); err != nil {
		return storage.Entry{}, err
	}
	login, err := s.codec.DecodeLogin(id, request, state)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.LoginEntryOf(login), nil
}

func (s *Store) grantEntry(row pgx.Rows) (storage.Entry, error) {
	var id string
	var generation int64
	var led bool
	var kept time.Time
	var revoked *time.Time
	var body []byte
	if err := row.Scan(&id, &generation, &led, &kept, &revoked, &body); err != nil {
		return storage.Entry{}, err
	}
	grant, err := s.grantOf(id, body, revoked)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.GrantEntryOf(grant, uint64(generation), led, kept), nil
}

func (s *Store) codeEntry(row pgx.Rows) (storage.Entry, error) {
	code := new(storage.Code)
	var hash []byte
	var spent *time.Time
	var kept time.Time
	err := row.Scan(&hash, &code.GrantID, &code.ClientID, &code.Redirect, &code.Challenge, &code.Resources, &code.Expires, &spent, &kept)
	if err = errors.Join(err, setHash(&code.Hash, hash)); err != nil {
		return storage.Entry{}, err
	}
	code.Spent = timeOrZero(spent)
	return storage.CodeEntryOf(code, kept), nil
}

func (s *Store) accessEntry(row pgx.Rows) (storage.Entry, error) {
	token := new(storage.AccessToken)
	var hash []byte
	var issued *time.Time
	err := row.Scan(&hash, &token.GrantID, &issued, &token.Expires, &token.Scopes, &token.Resources)
	if err = errors.Join(err, setHash(&token.Hash, hash)); err != nil {
		return storage.Entry{}, err
	}
	token.Issued = timeOrZero(issued)
	return storage.AccessEntryOf(token), nil
}

func (s *Store) refreshEntry(row pgx.Rows) (storage.Entry, error) {
	token := new(storage.RefreshToken)
	var hash, next []byte
	var spent *time.Time
	var kept time.Time
	err := row.Scan(&hash, &token.GrantID, &token.Generation, &token.Expires, &spent, &next, &kept)
	if err = errors.Join(err, setHash(&token.Hash, hash)); err != nil {
		return storage.Entry{}, err
	}
	token.Spent = timeOrZero(spent)
	return storage.RefreshEntryOf(token, next, kept), nil
}

func (s *Store) sessionEntry(row pgx.Rows) (storage.Entry, error) {
	var id string
	var body []byte
	if err := row.Scan(&id, &body); err != nil {
		return storage.Entry{}, err
	}
	session, err := s.codec.DecodeSession(id, body)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.SessionEntryOf(session), nil
}

func (s *Store) noticeEntry(row pgx.Rows) (storage.Entry, error) {
	var id string
	var due time.Time
	var attempts int
	var body []byte
	if err := row.Scan(&id, &due, &attempts, &body); err != nil {
		return storage.Entry{}, err
	}
	notice, err := s.codec.DecodeNotice(id, body)
	if err != nil {
		return storage.Entry{}, err
	}
	notice.Due, notice.Attempts = due, attempts
	return storage.NoticeEntryOf(notice), nil
}

func (s *Store) pushedEntry(row pgx.Rows) (storage.Entry, error) {
	var hash [32]byte
	var key, body []byte
	err := row.Scan(&key, &body)
	if err = errors.Join(err, setHash(&hash, key)); err != nil {
		return storage.Entry{}, err
	}
	request, err := s.codec.DecodePushedRequest(hash, body)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.PushedEntryOf(request), nil
}

func (s *Store) usedEntry(row pgx.Rows) (storage.Entry, error) {
	var key []byte
	var expires time.Time
	err := row.Scan(&key, &expires)
	return storage.UsedEntryOf(key, expires), err
}

func (s *Store) auditEntry(row pgx.Rows) (storage.Entry, error) {
	var at time.Time
	var id string
	var text []byte
	event := new(storage.AuditEvent)
	if err := row.Scan(&at, &id, &text); err != nil {
		return storage.Entry{}, err
	}
	if err := json.Unmarshal(text, event); err != nil {
		return storage.Entry{}, err
	}
	e := storage.AuditEntryOf(event)
	if !bytes.Equal(e.Key, storage.AuditKey(at, id)) {
		return storage.Entry{}, errors.New("decode audit event: it stands at another time than its own")
	}
	return e, nil
}

// setHash copies the hash, or returns an error when it is none.
func setHash(to *[32]byte, hash []byte) error {
	if len(hash) != len(to) {
		return errors.New("decode hash: wrong length")
	}
	copy(to[:], hash)
	return nil
}

func timeOrZero(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.UTC()
}
