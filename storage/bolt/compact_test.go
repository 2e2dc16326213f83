package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

func owner(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

// emptied returns the path of a store, closed, that has had many records and has one of each kind.
func emptied(t *testing.T) (path string, now time.Time) {
	t.Helper()
	s, now := openTest(t, Options{}), time.Now().UTC().Truncate(time.Microsecond)
	s.db.NoSync = true
	for batch := range 20 {
		if err := s.update(t.Context(), func(t *tx) error {
			for i := range 200 {
				login := &storage.Login{ID: fmt.Sprint("login-", batch, "-", i), Expires: now, Request: &storage.AuthRequest{State: strings.Repeat("s", 5000)}}
				if err := s.putNewLogin(t, login); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n > 0; {
		var err error
		if n, err = s.Sweep(t.Context(), now, 1000); err != nil {
			t.Fatal(err)
		}
	}
	storeAll(t, s, now)
	return s.path, now
}

// TestCompact: the file shrinks, all rows stay, and what lay there before is another's.
func TestCompact(t *testing.T) {
	t.Parallel()
	path, now := emptied(t)
	sealer := storagetest.FixedSealer("test")
	old := readFile(t, path)
	faults, was := checked(t, path, now)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	before, after, err := Compact(path, sealer, now, func(f Fault) { t.Error(f) })
	if err != nil {
		t.Fatal(err)
	}
	if before != int64(len(old)) || after > before/4 || after != int64(len(readFile(t, path))) {
		t.Errorf("%d bytes became %d", before, after)
	}
	faults, is := checked(t, path, now)
	if len(faults) > 0 {
		t.Error(faults)
	}
	for i := range was {
		if was[i] != is[i] {
			t.Errorf("%+v became %+v", was[i], is[i])
		}
	}
	alone(t, path)
	s, err := Open(path, sealer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateClient(t.Context(), storage.Client{ID: "next"}); err != nil {
		t.Error(err)
	}
	if err := s.view(func(tx *tx) error {
		if first, next := tx.generation("app"), tx.generation("next"); first == 0 || next <= first {
			t.Errorf("the generations of clients start over: %d, %d", first, next)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, sealer, Options{}); !errors.Is(err, ErrCopy) {
		t.Errorf("the file of before: got %v, want ErrCopy", err)
	}
}

// TestCompactionIsKilled: whichever of the two files a crash leaves under the name opens, and the other one no more afterwards.
func TestCompactionIsKilled(t *testing.T) {
	t.Parallel()
	path, now := emptied(t)
	sealer := storagetest.FixedSealer("test")
	c := &compaction{path: path, fresh: path + ".compact", sealer: sealer, checks: Restoring{Now: now, Report: func(Fault) {}}}
	old, err := openToRead(path, sealer)
	if err != nil {
		t.Fatal(err)
	}
	next, err := c.write(old)
	if err := errors.Join(err, old.db.Close()); err != nil {
		t.Fatal(err)
	}
	m, err := readMark(path)
	if err != nil {
		t.Fatal(err)
	}
	m.Next = next
	both, before, fresh := m, readFile(t, path), readFile(t, c.fresh)
	for name, files := range map[string][2][]byte{"before the rename": {before, fresh}, "after it": {fresh, before}} {
		if err := errors.Join(both.write(path), os.WriteFile(path, files[0], 0o600)); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path, sealer, Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := errors.Join(s.update(t.Context(), write("later")), s.Close(), os.WriteFile(path, files[1], 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, sealer, Options{}); !errors.Is(err, ErrCopy) {
			t.Errorf("%s, the other file: got %v, want ErrCopy", name, err)
		}
	}
	// What a killed run has left is in nobody's way.
	if err := errors.Join(both.write(path), os.WriteFile(path, before, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Compact(path, sealer, now, func(f Fault) { t.Error(f) }); err != nil {
		t.Error(err)
	}
	alone(t, path)
}

// TestCompactRefuses: a store in use, a copy and one with faults stay as they are.
func TestCompactRefuses(t *testing.T) {
	t.Parallel()
	path, now := emptied(t)
	sealer := storagetest.FixedSealer("test")
	compact := func() error { _, _, err := Compact(path, sealer, now, func(Fault) {}); return err }
	s, err := Open(path, sealer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := compact(); !errors.Is(err, ErrLocked) {
		t.Errorf("in use: got %v, want ErrLocked", err)
	}
	if err := errors.Join(s.update(t.Context(), func(t *tx) error { return t.put(secretsBucket, []byte("x"), []byte("unsealed")) }), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := compact(); !errors.Is(err, ErrFaults) {
		t.Errorf("with a fault: got %v, want ErrFaults", err)
	}
	raw := readFile(t, path)
	if err := os.Remove(markPath(path)); err != nil {
		t.Fatal(err)
	}
	if err := compact(); !errors.Is(err, ErrCopy) {
		t.Errorf("without a mark: got %v, want ErrCopy", err)
	}
	if !bytes.Equal(raw, readFile(t, path)) {
		t.Error("the file was changed")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "brygga.db.compact")); err == nil {
		t.Error("a half-done file was left behind")
	}
}
