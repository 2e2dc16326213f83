package bolt

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// backedUp returns a copy of a store with records of every kind, made while it was open, and the time of its records.
func backedUp(t *testing.T) (raw []byte, now time.Time) {
	t.Helper()
	s, now := openTest(t, Options{}), time.Now().UTC().Truncate(time.Microsecond)
	storeOneOfEach(t, s, now)
	if err := s.CreateClient(t.Context(), storage.Client{ID: "app"}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.Backup(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), now
}

func TestRestore(t *testing.T) {
	raw, now := backedUp(t)
	sealer := storagetest.FixedSealer("test")
	path := filepath.Join(t.TempDir(), "data", "brygga.db")
	accepted := false
	r := Restoring{Now: now.Add(time.Second), Report: func(f Fault) { t.Error(f) }, Accepted: func(s *Store) error {
		accepted = true
		_, err := s.Client(t.Context(), "app")
		return err
	}}
	rows, err := Restore(path, bytes.NewReader(raw), sealer, r)
	if err != nil || rows == 0 || !accepted {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if _, err := Restore(path, bytes.NewReader(raw), sealer, r); !errors.Is(err, ErrStoreExists) {
		t.Errorf("over a store: got %v, want ErrStoreExists", err)
	}
	s, err := Open(path, sealer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.RefreshToken(t.Context(), [32]byte{2}, now); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a refresh token: got %v, want ErrNotFound", err)
	}
	if at, err := s.ForgottenBefore(t.Context()); !at.Equal(now.Add(time.Second)) || err != nil {
		t.Errorf("used keys may be forgotten from before %s, %v", at, err)
	}
	alone(t, path)
	for _, name := range []string{path, markPath(path)} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// alone demands that beside the store lies its mark, and nothing else.
func alone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != filepath.Base(path) && name != filepath.Base(markPath(path)) {
			t.Errorf("%s was left behind", name)
		}
	}
}

// TestRestoreRefuses copies that are no good: nothing is left of them, and whatever was there stays.
func TestRestoreRefuses(t *testing.T) {
	raw, now := backedUp(t)
	sealed := bytes.Clone(raw)
	at := bytes.Index(sealed, storagetest.FixedSealer("test").Seal("x", nil)[:8])
	for ; bytes.Contains(sealed[at+8:], sealed[at:at+8]); at += 8 + bytes.Index(sealed[at+8:], sealed[at:at+8]) { // the last one is no key check
		sealed[at+12] ^= 1
	}
	for name, c := range map[string]struct {
		raw    []byte
		sealer string
		want   error
	}{
		"another key":      {raw, "another", storage.ErrWrongKey},
		"cut off":          {raw[:len(raw)/2], "test", ErrDamaged},
		"empty":            {nil, "test", ErrEmpty},
		"something else":   {[]byte(strings.Repeat("no store", 9000)), "test", ErrFormat},
		"changed record":   {sealed, "test", ErrFaults},
		"failing to write": {raw, "test", errors.ErrUnsupported},
	} {
		path := filepath.Join(t.TempDir(), "brygga.db")
		r := Restoring{Now: now, Report: func(Fault) {}}
		if name == "failing to write" {
			r.Accepted = func(*Store) error { return errors.ErrUnsupported }
		}
		_, err := Restore(path, bytes.NewReader(c.raw), storagetest.FixedSealer(c.sealer), r)
		if !errors.Is(err, c.want) && !(name == "changed record" && errors.Is(err, storage.ErrWrongKey)) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); len(entries) > 0 || err != nil {
			t.Errorf("%s: %v was left behind, %v", name, entries, err)
		}
	}
	path := filepath.Join(t.TempDir(), "brygga.db")
	if err := os.Symlink("nowhere", path); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(path, bytes.NewReader(raw), storagetest.FixedSealer("test"), Restoring{Now: now, Report: func(Fault) {}}); !errors.Is(err, ErrStoreExists) {
		t.Errorf("over a link: got %v, want ErrStoreExists", err)
	}
}

// TestRestoreAnyDamage changes bytes of a copy at random places: it is refused, or what is restored is whole.
func TestRestoreAnyDamage(t *testing.T) {
	t.Parallel()
	raw, now := backedUp(t)
	random := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 60 {
		torn := bytes.Clone(raw)
		for range 1 + random.IntN(3) {
			torn[random.IntN(len(torn))] ^= byte(1 + random.IntN(255))
		}
		path := filepath.Join(t.TempDir(), "brygga.db")
		if _, err := Restore(path, bytes.NewReader(torn), storagetest.FixedSealer("test"), Restoring{Now: now, Report: func(Fault) {}}); err != nil {
			refused++
			continue
		}
		if faults, _ := checked(t, path, now); len(faults) > 0 {
			t.Errorf("a store was restored that has faults: %v", faults)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused: the test proves little")
	}
}

// TestRestoreOlderFormat restores what a program of format 4 has backed up.
func TestRestoreOlderFormat(t *testing.T) {
	s := openTest(t, Options{})
	if err := errors.Join(s.CreateClient(t.Context(), storage.Client{ID: "app"}), s.update(t.Context(), func(t *tx) error { return t.put(metaBucket, metaFormat, []byte("4")) })); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if _, err := s.Backup(&raw); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "brygga.db")
	rows, err := Restore(path, &raw, storagetest.FixedSealer("test"), Restoring{Now: time.Now(), Report: func(f Fault) { t.Error(f) }})
	if err != nil || rows == 0 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if faults, _ := checked(t, path, time.Now()); len(faults) > 0 {
		t.Error(faults)
	}
}

// stalled is written to by nobody until it is let go.
type stalled struct{ begun, release chan struct{} }

func (s *stalled) Write(p []byte) (int, error) {
	select {
	case s.begun <- struct{}{}:
		<-s.release
	default:
	}
	return len(p), nil
}

// TestSlowCopyIsGivenUp: while a copy is made no page is used again, so the file grows; a copy that takes too long ends, and the pages are
// used again.
func TestSlowCopyIsGivenUp(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	s.db.NoSync = true
	s.copyRoom = 1 << 20
	turn := func() {
		t.Helper()
		if err := s.update(t.Context(), func(t *tx) error { return t.put(secretsBucket, []byte("key"), make([]byte, 2<<20)) }); err != nil {
			t.Fatal(err)
		}
	}
	size := func() int64 {
		info, err := s.file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	turn()
	w, before := &stalled{make(chan struct{}, 1), make(chan struct{})}, size()
	ended := make(chan error)
	go func() { _, err := s.Backup(w); ended <- err }()
	<-w.begun
	for range 1000 {
		if size() > 3*before {
			break
		}
		turn()
	}
	close(w.release)
	if err := <-ended; !errors.Is(err, ErrSlowCopy) {
		t.Fatalf("got %v, want ErrSlowCopy", err)
	}
	after := size()
	for range 50 {
		turn()
	}
	if got := size(); got > after+roomStep {
		t.Errorf("the file grew on from %d to %d bytes", after, got)
	}
	var raw bytes.Buffer
	if _, err := s.Backup(&raw); err != nil {
		t.Errorf("a quick copy: %v", err)
	}
}

// TestOwnerIsKept: what root writes beside a store is the store's owner's; the test of another user keeps its own.
func TestOwnerIsKept(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	os.Chown(s.path, 65534, 65534) // fails for all but root, who keeps the file then
	s, err := Open(s.path, storagetest.FixedSealer("test"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Compact(s.path, storagetest.FixedSealer("test"), time.Now(), func(f Fault) { t.Error(f) }); err != nil {
		t.Fatal(err)
	}
	store, mark := owner(t, s.path), owner(t, markPath(s.path))
	if store != mark || os.Geteuid() == 0 && store != 65534 {
		t.Errorf("the store is %d's, its mark %d's", store, mark)
	}
}
