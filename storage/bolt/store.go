// Package bolt keeps the records of package storage in one bbolt file, for an installation of one process.
//
// It owns the layout of the file and the group commit: every step of a caller joins the transaction that is being filled,
// and one fsync serves them all; above some hundred steps a second, a transaction waits 5 ms to be filled. Reads look at the
// last committed state and never wait for writes. It must not know what a step means: the rules, the encoding and the
// sealing belong to package storage.
//
// The file belongs to one process at a time. That is why recent clients, logins and grants are cached in memory, and why the heartbeats of
// collectors live in memory only: when a file is opened, every collector of before is dead.
//
// Opening a file takes no longer when more is stored, if it was closed. After a kill or a power cut bbolt looks at every page once,
// which takes seconds for gigabytes.
//
// A step whose context ends while it waits for its turn does not happen and returns the context's error. Once its turn has
// come the caller is told the outcome, however long the disk takes, so a step that was committed never counts as failed.
// When a write to disk fails, nobody can know what the disk holds: all steps of that transaction return the error and, unless the
// disk was merely full, the store takes no more steps until it is opened again ([ErrBroken]).
package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"brygga/cache"
	"brygga/storage"
)

// Errors of this backend, beside those of package storage.
var (
	// ErrLocked means that another process has the file open. Stop it first, or give this one a file of its own.
	ErrLocked = errors.New("storage/bolt: file is in use by another process")
	// ErrFormat means that the file is not a brygga store, or that a newer brygga wrote it.
	ErrFormat = errors.New("storage/bolt: unknown file format")
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("storage/bolt: store is closed")
	// ErrBroken means that an earlier write to disk failed in a way that leaves the state of the file unknown. Look after
	// the disk, then restart: opening the file finds the last committed state.
	ErrBroken = errors.New("storage/bolt: an earlier write failed, restart needed")
)

// format is the version of the file's layout. An older program refuses a newer format; this one turns older ones into its own:
// format 1 had no index of origins, no sessions, refresh tokens and pushed requests.
const format = 2

// Options configures Open. The zero value is fine.
type Options struct {
	// Logger gets warnings about the file and about steps that failed unexpectedly; nil discards them.
	Logger *slog.Logger
	// LockTimeout is how long Open waits for another process to let go of the file; 0 means 2 s.
	LockTimeout time.Duration

	testOnlyOpenFile func(name string, flag int, mode os.FileMode) (*os.File, error)
}

// Store is a storage.Store on one file. It is safe for concurrent use.
type Store struct {
	db    *bbolt.DB
	codec storage.Codec
	log   *slog.Logger

	clients *cache.Cache[*storage.Client]
	logins  recent[storage.Login]
	grants  recent[grantRow]
	pending atomic.Int64 // rows in the bucket of that name

	beatsMu sync.Mutex
	beats   map[string]time.Time // when a collector was last heard of

	closing sync.RWMutex // held for reading while a step is put into queue
	closed  bool
	queue   chan *step
	done    chan struct{} // closed when the writer has ended
	broken  atomic.Bool
}

var _ storage.Store = (*Store)(nil)

// Open opens the store in the file at path, and makes the file (mode 0600) and its directory (mode 0700) when they are missing.
// It returns ErrLocked when another process has the file, ErrFormat when the file is not a store that this program
// can read, and storage.ErrWrongKey when it was sealed with another master key. The caller closes the store.
func Open(path string, sealer storage.Sealer, options Options) (*Store, error) {
	s := &Store{
		codec:   storage.NewCodec(sealer),
		log:     options.Logger,
		clients: cache.New[*storage.Client](maxClientBytes),
		logins:  newRecent[storage.Login](maxLoginBytes),
		grants:  newRecent[grantRow](maxGrantBytes),
		beats:   map[string]time.Time{},
		queue:   make(chan *step, 4*maxBatch),
		done:    make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.openFile(path, options); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	if err := s.prepare(); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, errors.Join(err, s.db.Close()))
	}
	go s.write()
	return s, nil
}

func (s *Store) openFile(path string, options Options) error {
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(path)
	fresh := errors.Is(err, os.ErrNotExist)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		s.log.Warn("store file is open to other users of this machine", "path", path, "mode", info.Mode().Perm().String())
	}
	if options.LockTimeout == 0 {
		options.LockTimeout = 2 * time.Second
	}
	// Readers hold back a writer only when the memory map must grow: so it is large from the start. It costs address space
	// and no memory.
	initialMap := 64 << 20
	if strconv.IntSize == 64 {
		initialMap = 1 << 30
	}
	s.db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         options.LockTimeout,
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: initialMap,
		NoStatistics:    true,
		OpenFile:        options.testOnlyOpenFile,
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		return fmt.Errorf("%w: %w", ErrFormat, err)
	case err != nil:
		return err
	}
	if fresh {
		return syncDirectory(directory)
	}
	return nil
}

// syncDirectory makes the name of a new file survive a power cut.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

var (
	metaFormat = []byte("format")
	metaKey    = []byte("key check")
)

// prepare checks format and master key, or stores them in a new file, and counts what is kept in memory. It takes no longer
// when more is stored.
func (s *Store) prepare() error {
	btx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	defer btx.Rollback() // has no effect after a commit
	t := &tx{btx: btx}
	stored, err := s.storedFormat(btx)
	if err != nil {
		return err
	}
	if stored != format {
		if err := s.upgrade(t, stored); err != nil {
			return err
		}
	}
	cursor := t.bucket(pendingBucket).Cursor()
	for key, _ := cursor.First(); key != nil; key, _ = cursor.Next() {
		s.pending.Add(1)
	}
	if t.writes == 0 {
		return btx.Rollback()
	}
	return btx.Commit()
}

// storedFormat returns the format of the file, 0 when it is empty, and an error when this program must not touch it.
func (s *Store) storedFormat(btx *bbolt.Tx) (int, error) {
	meta := btx.Bucket(bucketNames[metaBucket])
	if meta == nil {
		if first, _ := btx.Cursor().First(); first != nil {
			return 0, fmt.Errorf("%w: another program's database", ErrFormat)
		}
		return 0, nil
	}
	text := string(meta.Get(metaFormat))
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > format {
		return 0, fmt.Errorf("%w: file has format %q, this program reads 1 to %d", ErrFormat, text, format)
	}
	return number, s.codec.CheckKey(meta.Get(metaKey))
}

// upgrade makes a file of an older format, 0 for an empty one, one of this format.
func (s *Store) upgrade(t *tx, stored int) error {
	for _, name := range bucketNames {
		if _, err := t.btx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	if stored == 0 {
		if err := t.put(metaBucket, metaKey, s.codec.KeyCheck()); err != nil {
			return err
		}
	}
	return errors.Join(indexOrigins(t), t.put(metaBucket, metaFormat, []byte(strconv.Itoa(format))))
}

// Ping returns nil when the file can be read and the writer takes steps. It writes nothing.
func (s *Store) Ping(ctx context.Context) error {
	err := s.view(func(t *tx) error {
		if t.bucket(metaBucket).Get(metaFormat) == nil {
			return ErrFormat
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return s.update(ctx, func(*tx) error { return nil })
}

// Backup writes a copy of the last committed state to w, while everything goes on, and returns how many bytes it wrote. The
// copy is a store file: Open it with the same master key. Old pages are kept while it runs, so a slow w makes the file grow.
func (s *Store) Backup(w io.Writer) (int64, error) {
	btx, err := s.begin()
	if err != nil {
		return 0, fmt.Errorf("back up: %w", err)
	}
	defer btx.Rollback()
	n, err := btx.WriteTo(w)
	if err != nil {
		return n, fmt.Errorf("back up: %w", err)
	}
	return n, nil
}

// Close waits for the steps that were begun and releases the file. Later calls of any method return ErrClosed.
func (s *Store) Close() error {
	s.closing.Lock()
	if s.closed {
		s.closing.Unlock()
		return ErrClosed
	}
	s.closed = true
	close(s.queue)
	s.closing.Unlock()
	<-s.done
	s.syncFreelist()
	return s.db.Close()
}

// syncFreelist writes down which pages of the file are free, which no commit before did. Whoever opens the file next is
// then spared a look at every page. When it fails, only that is lost.
func (s *Store) syncFreelist() {
	if s.broken.Load() {
		return
	}
	s.db.NoFreelistSync = false
	btx, err := s.db.Begin(true)
	if err == nil {
		err = commitGuarded(btx)
	}
	if err != nil {
		s.log.Warn("the next start looks at every page of the store file", "err", err)
	}
}
