package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// TestFlippedBitsAreFound flips a bit of each byte of every row, in turn, in its key and in its value (of some, where it is sealed or has a checksum), and of the number from which clients
// get their generations: each is found, whatever is sealed, has a checksum or leads elsewhere.
func TestFlippedBitsAreFound(t *testing.T) {
	t.Parallel()
	s, now := openTest(t, Options{}), time.Now().UTC().Truncate(time.Microsecond)
	storeAll(t, s, now)
	s, err := Open(s.path, storagetest.FixedSealer("test"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	faults := func(change func(*tx) error) (found []string) {
		t.Helper()
		btx, err := s.db.Begin(true)
		if err != nil {
			t.Fatal(err)
		}
		defer btx.Rollback()
		x := &tx{btx: btx}
		c := &checker{codec: s.codec, now: now, kinds: map[byte]int{}, ended: map[string]bool{}, report: func(f Fault) { found = append(found, f.String()) }}
		if err := errors.Join(change(x), c.run(x)); err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := faults(func(*tx) error { return nil }); len(found) > 0 {
		t.Fatalf("a whole store has faults: %v", found)
	}
	flipped := func(row []byte, i int) []byte {
		other := bytes.Clone(row)
		other[i] ^= 1 << (i % 8)
		return other
	}
	flips := 0
	for id := metaBucket + 1; id < bucketCount; id++ {
		for _, row := range s.rawRows(t, id) {
			key, value := row[0], row[1]
			step := 1
			if proven(id) { // all bytes of the row are alike
				step = 23
			}
			for i := 0; i < len(value); i += step {
				flips++
				if len(faults(func(x *tx) error { return x.bucket(id).Put(key, flipped(value, i)) })) == 0 {
					t.Errorf("%s %q: byte %d of %q was changed, and nothing is found", bucketNames[id], key, i, value)
				}
			}
			for i := range key {
				flips++
				move := func(x *tx) error {
					return errors.Join(x.bucket(id).Delete(key), x.bucket(id).Put(flipped(key, i), value))
				}
				if len(faults(move)) == 0 {
					t.Errorf("%s %q: byte %d of the key was changed, and nothing is found", bucketNames[id], key, i)
				}
			}
		}
	}
	if lower := func(x *tx) error { return x.bucket(clientsBucket).SetSequence(0) }; len(faults(lower)) == 0 {
		t.Error("the next client may get the generation of another, and nothing is found")
	}
	if flips < 1000 {
		t.Errorf("%d bytes were changed", flips)
	}
}

// proven reports whether the rows of the bucket are sealed, or have a checksum.
func proven(id bucketID) bool {
	for _, of := range sealedRows {
		if of.bucket == id && of.from == 0 {
			return true
		}
	}
	return summed[id].is
}

// rawRows returns the rows of a bucket as the file has them.
func (s *Store) rawRows(t *testing.T, id bucketID) (rows [][2][]byte) {
	t.Helper()
	if err := s.view(func(x *tx) error {
		return x.bucket(id).ForEach(func(key, value []byte) error {
			rows = append(rows, [2][]byte{bytes.Clone(key), bytes.Clone(value)})
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestDamagedRowIsNotUsed: what a flipped bit has made of a row is neither shown nor acted on, its error names the row without quoting it, and
// all else goes on.
func TestDamagedRowIsNotUsed(t *testing.T) {
	s, now := openTest(t, Options{}), time.Now().UTC().Truncate(time.Microsecond)
	ctx := t.Context()
	if err := errors.Join(
		s.CreateClient(ctx, storage.Client{ID: "whole", RedirectURIs: []string{"https://whole.example"}}),
		s.CreateClient(ctx, storage.Client{ID: "damaged", RedirectURIs: []string{"https://app.example"}}),
		s.AppendAudit(ctx, storage.AuditEvent{ID: "e1", Time: now, Type: "T", Expires: now.Add(time.Hour)}),
	); err != nil {
		t.Fatal(err)
	}
	for bucket, from := range map[bucketID]string{clientsBucket: "app.example", auditBucket: `"T"`} {
		if err := s.update(ctx, func(x *tx) error {
			x.writes++
			return x.bucket(bucket).ForEach(func(key, value []byte) error {
				return x.bucket(bucket).Put(key, bytes.Replace(value, []byte(from), []byte(strings.ToUpper(from[:2])+"x"+from[3:]), 1))
			})
		}); err != nil {
			t.Fatal(err)
		}
	}
	s.clients.Clear()
	_, err := s.Client(ctx, "damaged")
	_, page := s.Clients(ctx, "", 10)
	_, events := s.AuditEvents(ctx, now, now.Add(time.Hour), 10)
	for name, err := range map[string]error{
		"read": err, "list": page, "audit": events, "update": s.UpdateClient(ctx, storage.Client{ID: "damaged", Revision: 1}),
		"create": s.CreateClient(ctx, storage.Client{ID: "damaged"}), "remove": s.RemoveClient(ctx, "damaged", now),
	} {
		if !errors.Is(err, ErrDamaged) || errors.Is(err, storage.ErrNotFound) || strings.Contains(fmt.Sprint(err), "damaged,") || strings.Contains(err.Error(), "example") {
			t.Errorf("%s: got %v, want ErrDamaged", name, err)
		}
	}
	if _, err := s.Client(ctx, "whole"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(s.UpdateClient(ctx, storage.Client{ID: "whole", Revision: 1}), s.Ping(ctx)); err != nil {
		t.Errorf("all else: %v", err)
	}
}

// TestRowsOfBeforeHaveNoSum: rows of format 5 are read as they are; opening the file gives the clients and the keys a checksum, and the others get
// theirs when they are written.
func TestRowsOfBeforeHaveNoSum(t *testing.T) {
	s, now := openTest(t, Options{}), time.Now().UTC().Truncate(time.Microsecond)
	storeAll(t, s, now)
	s, err := Open(s.path, storagetest.FixedSealer("test"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := func(x *tx) error {
		for id := range bucketCount {
			for _, row := range s.rawRows(t, id) {
				if text, err := withoutSum(row[0], row[1]); err == nil && summed[id].is && summed[id].before != noRow {
					if err := x.bucket(id).Put(row[0], text); err != nil {
						return err
					}
				}
			}
		}
		return errors.Join(x.put(metaBucket, metaForgotten, appendUp(nil, now)), x.put(metaBucket, metaFormat, []byte("5")))
	}
	if err := errors.Join(s.update(t.Context(), before), s.Close()); err != nil {
		t.Fatal(err)
	}
	s, err = Open(s.path, storagetest.FixedSealer("test"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if at, err := s.ForgottenBefore(t.Context()); err != nil || !at.Equal(now) {
		t.Errorf("the time of the last restore: %v, %v", at, err)
	}
	for id, want := range map[bucketID]bool{clientsBucket: true, keysBucket: true, codesBucket: false, grantsBucket: false, auditBucket: false} {
		for _, row := range s.rawRows(t, id) {
			if _, err := withoutSum(row[0], row[1]); (err == nil) != want {
				t.Errorf("a row of %s: %v", bucketNames[id], err)
			}
		}
	}
	if err := errors.Join(s.RevokeGrant(t.Context(), "g1", now), s.Close()); err != nil {
		t.Fatal(err)
	}
	if faults, _ := checked(t, s.path, now); len(faults) > 0 {
		t.Errorf("faults: %v", faults)
	}
}
