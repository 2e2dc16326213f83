package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// filled is a store file with some hundred logins and one of each other record, and its mark. A closed one was closed, the other is as
// a killed process leaves it.
type filled struct {
	path      string
	raw, mark []byte
	now       time.Time
}

const filledLogins = 60

func fillFile(t *testing.T, closed bool) filled {
	t.Helper()
	s := openTest(t, Options{})
	f := filled{now: time.Now().UTC().Truncate(time.Microsecond)}
	storeOneOfEach(t, s, f.now)
	if err := s.update(t.Context(), func(t *tx) error {
		for i := range filledLogins {
			login := &storage.Login{ID: fmt.Sprint("login", i), Expires: f.now.Add(time.Hour), Request: &storage.AuthRequest{State: strings.Repeat("s", 500)}}
			if err := s.putNewLogin(t, login); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if closed {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f.path = filepath.Join(t.TempDir(), "brygga.db")
	f.raw, f.mark = readFile(t, s.path), readFile(t, markPath(s.path))
	im := image1(t, f.raw)
	f.raw = f.raw[:im.high*im.pageSize] // what follows is room
	return f
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// put writes a store file with its mark and returns its path.
func (f filled) put(t *testing.T, raw []byte) string {
	t.Helper()
	if err := errors.Join(os.WriteFile(f.path, raw, 0o600), os.WriteFile(markPath(f.path), f.mark, 0o600)); err != nil {
		t.Fatal(err)
	}
	return f.path
}

// refuses demands that the file is refused with one of the errors and stays as it is.
func (f filled) refuses(t *testing.T, what string, raw []byte, want ...error) {
	t.Helper()
	path := f.put(t, raw)
	store, err := Open(path, storagetest.FixedSealer("test"), Options{})
	if err == nil {
		store.Close()
		t.Errorf("%s: it opened", what)
		return
	}
	known := false
	for _, w := range want {
		known = known || errors.Is(err, w)
	}
	if !known {
		t.Errorf("%s: got %v", what, err)
	}
	if !bytes.Equal(readFile(t, path), raw) {
		t.Errorf("%s: the refused file was changed", what)
	}
}

// works demands that the file opens and has every login.
func (f filled) works(t *testing.T, what string, raw []byte) {
	t.Helper()
	store, err := Open(f.put(t, raw), storagetest.FixedSealer("test"), Options{})
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	defer store.Close()
	for i := range filledLogins {
		if _, err := store.Login(t.Context(), fmt.Sprint("login", i), f.now); err != nil {
			t.Errorf("%s: login %d: %v", what, i, err)
		}
	}
	if err := store.CreateLogin(t.Context(), storage.Login{Request: new(storage.AuthRequest), ID: "one more", Expires: f.now.Add(time.Hour)}); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func image1(t *testing.T, raw []byte) *image {
	t.Helper()
	im, err := readImage(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func TestCutFileIsRefused(t *testing.T) {
	t.Parallel()
	for _, closed := range []bool{true, false} {
		f := fillFile(t, closed)
		im := image1(t, f.raw)
		whole := int(im.high * im.pageSize)
		f.works(t, "the whole file", f.raw)
		f.works(t, "with room behind its last page", append(bytes.Clone(f.raw), make([]byte, 10000)...))
		f.refuses(t, "an empty file", nil, ErrEmpty)
		step := int(im.pageSize)
		for size := step; size < whole; size += step {
			f.refuses(t, fmt.Sprint(size, " bytes"), f.raw[:size], ErrDamaged)
		}
		random := rand.New(rand.NewPCG(1, 2))
		for range 30 {
			size := 1 + random.IntN(whole-1)
			f.refuses(t, fmt.Sprint(size, " bytes"), f.raw[:size], ErrDamaged)
		}
		f.refuses(t, "one byte short", f.raw[:whole-1], ErrDamaged)
	}
}

// TestDamagedPagesAreRefused writes zeros, noise or another page over each page in turn.
func TestDamagedPagesAreRefused(t *testing.T) {
	t.Parallel()
	for _, closed := range []bool{true, false} {
		f := fillFile(t, closed)
		im := image1(t, f.raw)
		used, err := im.used(true)
		if err != nil {
			t.Fatal(err)
		}
		if im.freelist != noFreelist {
			used.add(im.freelist)
		}
		random := rand.New(rand.NewPCG(3, 4))
		size := int(im.pageSize)
		for id := 2; id < int(im.high); id++ {
			what, page := "zeros", make([]byte, size)
			switch random.IntN(3) {
			case 0:
				what, page = "noise", noise(random, size)
			case 1:
				what, page = "another page", f.raw[(id-1)*size:id*size]
			}
			raw := bytes.Clone(f.raw)
			copy(raw[id*size:], page)
			if name := fmt.Sprintf("%s in place of page %d, closed %t", what, id, closed); used.has(uint64(id)) {
				f.refuses(t, name, raw, ErrDamaged)
			} else {
				f.works(t, name, raw)
			}
		}
	}
}

func noise(random *rand.Rand, size int) []byte {
	page := make([]byte, size)
	for i := range page {
		page[i] = byte(random.Uint32())
	}
	return page
}

// TestFlippedBitsNeverPanic flips single bits anywhere. Such a file is refused, or what is wrong with it shows as an error.
func TestFlippedBitsNeverPanic(t *testing.T) {
	t.Parallel()
	for _, unchecked := range []bool{false, true} {
		for _, closed := range []bool{true, false} {
			f := fillFile(t, closed)
			random := rand.New(rand.NewPCG(5, 6))
			for range 6 {
				raw := bytes.Clone(f.raw)
				bit := random.IntN(8 * int(image1(t, raw).high*image1(t, raw).pageSize))
				if bit%3 > 0 { // headers are where it hurts
					bit = bit / (8 * 4096) * 8 * 4096
					bit += random.IntN(8 * 64)
				}
				raw[bit/8] ^= 1 << (bit % 8)
				tryDamaged(t, f, raw, unchecked)
			}
		}
	}
}

// tryDamaged uses a damaged file in every way, if it opens.
func tryDamaged(t *testing.T, f filled, raw []byte, unchecked bool) {
	t.Helper()
	path := f.put(t, raw)
	store, err := Open(path, storagetest.FixedSealer("test"), Options{testOnlyUnchecked: unchecked})
	if err != nil {
		return
	}
	defer store.Close()
	store.db.NoSync = true
	for i := range filledLogins {
		store.Login(t.Context(), fmt.Sprint("login", i), f.now)
	}
	for i := range 20 {
		store.CreateLogin(t.Context(), storage.Login{Request: new(storage.AuthRequest), ID: fmt.Sprint("new", i), Expires: f.now.Add(time.Hour)})
		store.RefuseLogin(t.Context(), fmt.Sprint("login", i), f.now)
	}
	store.Clients(t.Context(), "", 100)
	store.AuditEvents(t.Context(), time.Time{}, f.now.Add(time.Hour), 100)
	store.Sweep(t.Context(), f.now.Add(48*time.Hour), 1000)
	store.Ping(t.Context())
}

// TestDamageUnderAnOpenStore: what a step or a read comes upon closes the store for writes, and it says so when it is asked.
func TestDamageUnderAnOpenStore(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(file *os.File, im *image) error{
		"noise": func(file *os.File, im *image) error {
			_, err := file.WriteAt(noise(rand.New(rand.NewPCG(7, 8)), int((im.high-2)*im.pageSize)), int64(2*im.pageSize))
			return err
		},
		"cut off": func(file *os.File, im *image) error { return file.Truncate(int64(2 * im.pageSize)) },
	} {
		for _, first := range []string{"step", "read"} {
			t.Run(name+", "+first, func(t *testing.T) {
				f := fillFile(t, true)
				path := f.put(t, f.raw)
				store, err := Open(path, storagetest.FixedSealer("test"), Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer store.Close()
				if err := damage(store.file, image1(t, f.raw)); err != nil {
					t.Fatal(err)
				}
				if first == "read" {
					if _, err := store.Login(t.Context(), "login1", f.now); !errors.Is(err, ErrBroken) {
						t.Errorf("read: %v", err)
					}
				}
				for range 3 {
					if err := store.CreateLogin(t.Context(), storage.Login{Request: new(storage.AuthRequest), ID: "new", Expires: f.now.Add(time.Hour)}); !errors.Is(err, ErrBroken) {
						t.Errorf("step: %v", err)
					}
				}
				if err := store.Ping(t.Context()); !errors.Is(err, ErrBroken) {
					t.Errorf("Ping: %v", err)
				}
			})
		}
	}
}

// TestGoneStoreIsMissed: a new store, with new keys, is not made where there was one.
func TestGoneStoreIsMissed(t *testing.T) {
	f := fillFile(t, true)
	path := f.put(t, f.raw)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, storagetest.FixedSealer("test"), Options{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("got %v, want ErrEmpty", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a file was made all the same")
	}
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Remove(markPath(path))); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, storagetest.FixedSealer("test"), Options{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty file: got %v, want ErrEmpty", err)
	}
	if err := errors.Join(os.Remove(path), os.Symlink(filepath.Join(t.TempDir(), "unmounted", "mark"), markPath(path))); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, storagetest.FixedSealer("test"), Options{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("a mark that leads nowhere: got %v, want ErrEmpty", err)
	}
}
