package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brygga/storage/storagetest"
)

// TestCopyOfARunningStore copies the file piece by piece while the store works. Such a copy is refused as what it is, or whole; it is
// never another program's, and never ends the process.
func TestCopyOfARunningStore(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	s.db.NoSync = true
	random, logins, now := rand.New(rand.NewPCG(9, 9)), 0, time.Now().UTC()
	for range 30 {
		work(t, s, random, &logins, now)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	torn := 0
	for n := 0; n < 12 || torn == 0 && n < 60; n++ {
		size := image1(t, readFile(t, s.path)).high * image1(t, readFile(t, s.path)).pageSize
		raw := make([]byte, size)
		pieces := 2 + random.IntN(6)
		for i := range pieces {
			from, to := i*len(raw)/pieces, (i+1)*len(raw)/pieces
			if _, err := s.file.ReadAt(raw[from:to], int64(from)); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			for range random.IntN(40) {
				if random.IntN(8) == 0 {
					s.kept.commits = keptCommits // after the next checkpoint, pages of before are used again
				}
				work(t, s, random, &logins, now)
			}
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, storagetest.FixedSealer("test"), Options{}); !errors.Is(err, ErrCopy) && !errors.Is(err, ErrDamaged) {
			t.Errorf("copy %d, without its mark: %v", n, err)
		}
		copied, err := Open(path, storagetest.FixedSealer("test"), Options{Accept: true})
		if err == nil {
			work(t, copied, random, new(int), now)
			err = errors.Join(copied.Close(), Check(path), os.Remove(markPath(path)))
			if err != nil {
				t.Errorf("copy %d was accepted: %v", n, err)
			}
			continue
		}
		torn++
		if !errors.Is(err, ErrDamaged) || !strings.Contains(fmt.Sprint(err), "while a server had the file open") {
			t.Errorf("copy %d: %v", n, err)
		}
	}
	t.Logf("%d copies were torn", torn)
	if torn == 0 {
		t.Error("no copy was torn: the test proves little")
	}
}

// TestTornRootIsDamage: in a torn copy the root may have become any other page. That is no database of another program, which would
// be left alone for good.
func TestTornRootIsDamage(t *testing.T) {
	f := fillFile(t, true)
	im := image1(t, f.raw)
	torn := 0
	for id := uint64(2); id < im.high; id++ {
		p, err := im.page(id, false)
		if err != nil || p.flags != leafPage || p.count == 0 || id == im.root {
			continue
		}
		next := im.meta
		next.root, next.transaction = id, next.transaction+1
		page, slot := next.page()
		raw := bytes.Clone(f.raw)
		copy(raw[slot*im.pageSize:], page)
		path := f.put(t, raw)
		if err := os.Remove(markPath(path)); err != nil {
			t.Fatal(err)
		}
		torn++
		if _, err := Open(path, storagetest.FixedSealer("test"), Options{}); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrCopy) {
			t.Errorf("page %d as the root: %v", id, err)
		}
	}
	if torn == 0 {
		t.Error("no page was tried")
	}
}

// TestTornIndexIsDamage: the same of the index that is read when a copy is accepted.
func TestTornIndexIsDamage(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.update(t.Context(), func(t *tx) error { return t.put(expiryBucket, []byte("another"), nil) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(s.path, storagetest.FixedSealer("test"), Options{Accept: true})
	if !errors.Is(err, ErrDamaged) || !strings.Contains(fmt.Sprint(err), "while a server had the file open") {
		t.Errorf("got %v, want ErrDamaged", err)
	}
}
