package bolt

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
	"brygga/storage/storagetest"
)

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func TestFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "brygga.db")
	store, err := Open(path, storagetest.NewSealer(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for path, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700, filepath.Dir(filepath.Dir(path)): 0o700} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	sealer := storagetest.NewSealer()
	foreign := func(change func(*bbolt.Tx) error) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Update(change), db.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
	made := func(t *testing.T, path string) *Store {
		store, err := Open(path, sealer, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		sealer  storage.Sealer
		want    error
	}{
		{"a file in use", func(t *testing.T, path string) {
			t.Cleanup(func(s *Store) func() { return func() { s.Close() } }(made(t, path)))
		}, sealer, ErrLocked},
		{"another master key", func(t *testing.T, path string) { made(t, path).Close() }, storagetest.NewSealer(), storage.ErrWrongKey},
		{"a newer format", func(t *testing.T, path string) {
			made(t, path).Close()
			foreign(func(btx *bbolt.Tx) error {
				return btx.Bucket([]byte("meta")).Put(metaFormat, []byte(strconv.Itoa(format+1)))
			})(t, path)
		}, sealer, ErrFormat},
		{"a lost key check", func(t *testing.T, path string) {
			made(t, path).Close()
			foreign(func(btx *bbolt.Tx) error { return btx.Bucket([]byte("meta")).Delete(metaKey) })(t, path)
		}, sealer, storage.ErrWrongKey},
		{"another program's database", foreign(func(btx *bbolt.Tx) error { _, err := btx.CreateBucket([]byte("theirs")); return err }), sealer, ErrFormat},
		{"another program's meta", foreign(func(btx *bbolt.Tx) error { _, err := btx.CreateBucket([]byte("meta")); return err }), sealer, ErrFormat},
		{"something else", func(t *testing.T, path string) {
			if err := os.WriteFile(path, make([]byte, 20000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, sealer, ErrFormat},
		{"a directory in its place", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, sealer, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "brygga.db")
			test.prepare(t, path)
			before, _ := os.ReadFile(path)
			store, err := Open(path, test.sealer, Options{LockTimeout: time.Millisecond})
			if err == nil {
				store.Close()
				t.Fatal("it opened")
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the refused file was changed")
			}
		})
	}
}

// joinLogin stores the login as formats before 4 did: in one row.
func joinLogin(btx *bbolt.Tx, sealer storage.Sealer, id string) error {
	whole := map[string]any{"id": id}
	for bucket, label := range map[string]string{"requests": "request ", "logins": "state "} {
		text, err := sealer.Open(label+id, btx.Bucket([]byte(bucket)).Get([]byte(id)))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &whole); err != nil {
			return err
		}
	}
	text, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	return btx.Bucket([]byte("logins")).Put([]byte(id), sealer.Seal("login "+id, text))
}

// TestOldFormatIsBroughtUp opens a file as a program of format 1 left it.
func TestOldFormatIsBroughtUp(t *testing.T) {
	path, sealer, now := filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), time.Now().UTC()
	s, err := Open(path, sealer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	who, expires := storage.Identity{Method: "bankid"}, now.Add(time.Minute)
	grant := storage.Grant{ID: "g1", ClientID: "app", SessionID: "sid", Expires: now.Add(time.Hour)}
	code := storage.Code{Hash: [32]byte{1}, GrantID: "g1", ClientID: "app", Expires: now.Add(time.Minute)}
	err = errors.Join(s.CreateClient(t.Context(), storage.Client{ID: "app", Origins: []string{"https://app.example"}}),
		s.CreateLogin(t.Context(), storage.Login{ID: "l1", State: storage.LoginComplete, Identity: &who, Request: &storage.AuthRequest{State: "state"}, Expires: expires}))
	_, err2 := s.AnswerLogin(t.Context(), "l1", storage.Answer{Code: code, Grant: grant}, now)
	if err := errors.Join(err, err2, s.Close()); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(btx *bbolt.Tx) error {
		if err := joinLogin(btx, sealer, "l1"); err != nil {
			return err
		}
		for _, name := range []string{"requests", "origins", "refresh", "browsers", "cookies", "browser grants", "notices", "due", "pushed", "replays"} {
			if err := btx.DeleteBucket([]byte(name)); err != nil {
				return err
			}
		}
		index := btx.Bucket([]byte("expiry")) // the note of a grant was its sid
		cursor := index.Cursor()
		for key, note := cursor.First(); key != nil; key, note = cursor.Next() {
			if string(note) == "sid\x00" {
				if err := index.Put(key, []byte("sid")); err != nil {
					return err
				}
			}
		}
		return btx.Bucket([]byte("meta")).Put(metaFormat, []byte("1"))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path, sealer, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := CheckRecords(path, sealer, now, func(f Fault) { t.Errorf("the upgrade has left a fault: %s", f) }); err != nil {
		t.Error(err)
	}
	if s, err = Open(path, sealer, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if login, err := s.Login(t.Context(), "l1", now); err != nil || login.State != storage.LoginAnswered || login.Request.State != "state" || !login.Expires.Equal(expires) {
		t.Errorf("login of before: %+v, %v", login, err)
	}
	if registered, err := s.OriginRegistered(t.Context(), "https://app.example"); err != nil || !registered {
		t.Errorf("origin of a client of before: %t, %v", registered, err)
	}
	if err := s.UseOnce(t.Context(), [32]byte{1}, now.Add(time.Second), now); err != nil {
		t.Error(err)
	}
	if ended, err := s.EndSessionID(t.Context(), "sid", now); err != nil || ended.Grants != 1 {
		t.Errorf("ended %+v, %v", ended, err)
	}
	if n, err := s.Sweep(t.Context(), now.Add(24*time.Hour), 100); err != nil || n != 4 {
		t.Errorf("swept %d, %v, want 4", n, err)
	}
	if err := s.view(func(t *tx) error {
		if got := string(t.get(metaBucket, metaFormat)); got != strconv.Itoa(format) {
			return errors.New("the file still has format " + got)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestCloseWritesTheFreelist: without it, opening looks at every page. The last meta page says where it is.
func TestCloseWritesTheFreelist(t *testing.T) {
	path, sealer := filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer()
	synced := func() bool {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// A page: 16 bytes of header, then magic and version, page size and flags, root (16), freelist, high water mark, transaction.
		freelist := func(meta []byte) uint64 { return binary.NativeEndian.Uint64(meta[16+32:]) }
		transaction := func(meta []byte) uint64 { return binary.NativeEndian.Uint64(meta[16+48:]) }
		first, second := raw, raw[os.Getpagesize():]
		if transaction(first) < transaction(second) {
			first = second
		}
		return freelist(first) != ^uint64(0)
	}
	for round := range 2 {
		s, err := Open(path, sealer, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if round == 1 && !synced() {
			t.Error("opening a file took its freelist away")
		}
		if _, err := s.SecretOrCreate(t.Context(), strconv.Itoa(round), []byte("value")); err != nil {
			t.Fatal(err)
		}
		if synced() {
			t.Error("a commit wrote the freelist: it costs time with every step")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if !synced() {
			t.Error("the closed file has no freelist")
		}
	}
}

func TestBackupIsAStore(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.CreateClient(t.Context(), storage.Client{ID: "app1"}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Backup(file)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != n {
		t.Errorf("Backup counted %d bytes of %v, %v", n, info.Size(), err)
	}
	if err := s.CreateClient(t.Context(), storage.Client{ID: "app2"}); err != nil {
		t.Fatal(err)
	}
	if err := Check(path); err != nil {
		t.Error(err)
	}
	backup, err := Open(path, storagetest.FixedSealer("test"), Options{Accept: true})
	if err != nil {
		t.Fatal(err)
	}
	defer backup.Close()
	if _, err := backup.Client(t.Context(), "app1"); err != nil {
		t.Errorf("the copy lacks a client: %v", err)
	}
	if _, err := backup.Client(t.Context(), "app2"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the copy has a later client: %v", err)
	}
	if _, err := s.Backup(failingWriter{}); err == nil {
		t.Error("a backup that was not written counts as one")
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestFailedWriteBreaksTheStore takes the file away under the store, as a dying disk does.
func TestFailedWriteBreaksTheStore(t *testing.T) {
	var file *os.File
	path := filepath.Join(t.TempDir(), "brygga.db")
	sealer := storagetest.NewSealer()
	s, err := Open(path, sealer, Options{testOnlyOpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
		opened, err := os.OpenFile(name, flag, mode)
		file = opened
		return opened, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	login := storage.Login{Request: new(storage.AuthRequest), ID: "l1", Expires: now.Add(time.Minute)}
	if err := s.CreateLogin(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateClient(t.Context(), storage.Client{ID: "app"}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, want the disk's error", err)
	}
	if _, err := s.Client(t.Context(), "app"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a client that was not written is cached: %v", err)
	}
	login.ID = "l2"
	if err := s.CreateLogin(t.Context(), login); !errors.Is(err, ErrBroken) {
		t.Errorf("got %v, want ErrBroken", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, ErrBroken) {
		t.Errorf("got %v, want ErrBroken", err)
	}
	if _, err := s.Login(t.Context(), "l1", now); err != nil {
		t.Errorf("reading: %v", err)
	}
	s.Close() // complains about the file
	again, err := Open(path, sealer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.Login(t.Context(), "l1", now); err != nil {
		t.Errorf("after opening again: %v", err)
	}
}
