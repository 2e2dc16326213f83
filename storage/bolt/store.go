// Package bolt keeps the records of package storage in one bbolt file, for an installation of one process.
//
// It owns the layout of the file and the group commit: every step of a caller joins the transaction that is being filled,
// and one fsync serves them all; above some hundred steps a second, a transaction waits 5 ms to be filled. Hint codes, which the service
// tells again, are in memory at once and go to the file with the login's next step, some seconds later at most. Reads look at the
// last committed state and never wait for writes. It must not know what a step means: the rules, the encoding and the
// sealing belong to package storage.
//
// The file belongs to one process at a time. That is why recent clients, logins, grants and access tokens are cached in memory, and why the heartbeats of
// collectors live in memory only: when a file is opened, every collector of before is dead.
//
// Opening a file takes no longer when more is stored. After a kill or a power cut, what has changed since the last checkpoint is read.
// A file whose pages do not fit together is refused, and so is one that was put in place of a later one: beside the file lies a mark,
// which says how far it has come.
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
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"brygga/cache"
	"brygga/storage"
)

// Errors of an open store, beside those of package storage.
var (
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("storage/bolt: store is closed")
	// ErrBroken means that an earlier write to disk failed in a way that leaves the state of the file unknown, or that pages of
	// it do not fit together. Look after the disk, then restart: opening the file finds the last committed state, and Check what
	// is wrong with it.
	ErrBroken = fmt.Errorf("storage/bolt: an earlier write failed or the file is damaged, restart needed: %w", storage.ErrUnavailable)
	// ErrFull means that the disk has no room for what was to be stored. Steps succeed again as soon as it has.
	ErrFull = fmt.Errorf("storage/bolt: disk is full: %w", storage.ErrUnavailable)
)

// format is the version of the file's layout. An older program refuses a newer format; this one turns older ones into its own:
// format 1 had no index of origins, no sessions, refresh tokens and pushed requests; format 2 no checkpoints, and no mark beside
// the file; format 3 one row for all of a login; in format 4 sealed bytes did not name their key; format 5 had no checksums; format 6 no
// operators and no mail; format 7 no tree over the audit events; format 8 no keys for the
// management API; format 9 no notes; format 10 no documents and no evidence.
const format = 11

// Options configures Open. The zero value is fine.
type Options struct {
	// Logger gets warnings about the file and about steps that failed unexpectedly; nil discards them.
	Logger *slog.Logger
	// LockTimeout is how long Open waits for another process to let go of the file; 0 means 2 s.
	LockTimeout time.Duration
	// Observe is told of every transaction that writes, how long it took. It runs in the one goroutine that writes. Nil for nobody.
	Observe func(took time.Duration)
	// Accept takes a file that Open refuses with ErrCopy. All that it would bring back to life ends: logins, codes, grants, tokens,
	// sessions, pushed requests and secrets of API keys. Clients, signing keys, secrets, notices and audit events stay.
	Accept bool
	// Unfinished opens a store whose migration was not finished, to go on with it. Open refuses it otherwise.
	Unfinished bool
	// Now is the clock by which a copy is accepted; nil means time.Now.
	Now func() time.Time

	testOnlyOpenFile func(name string, flag int, mode os.FileMode) (*os.File, error)
	// testOnlyUnchecked leaves small files as unchecked as large ones.
	testOnlyUnchecked bool
}

// Store is a storage.Store on one file. It is safe for concurrent use.
type Store struct {
	storage.LoginSteps

	path  string
	db    *bbolt.DB
	file  *os.File // of db
	codec storage.Codec
	log   *slog.Logger

	observe func(took time.Duration)

	name, run string // of the store and of this opening; see mark
	mapped    int64  // bytes of the file that are mapped into memory, at least
	kept      keeper // of the writer
	// copied is the last transaction that somebody may have copied, marked the one that the mark names; the latter is the writer's.
	copied atomic.Uint64
	marked uint64

	room     int64 // bytes of the file that are on disk for sure; the writer's, as is low
	low      bool
	allocate func(file *os.File, offset, length int64) error
	finish   func(*bbolt.Tx) error // commits
	full     atomic.Bool           // a commit found no room, and no probe some since
	failures atomic.Uint64         // steps that were not stored

	clients *cache.Cache[clientRow]
	logins  recent[storage.Login]
	grants  recent[grantRow]
	tokens  recent[storage.AccessToken] // by their hash
	pending atomic.Int64                // rows in the bucket of that name
	// unsaved are logins that are newer in memory than in the file, to be written at saveAt; the writer's, both.
	unsaved map[string]*storage.Login
	saveAt  time.Time
	saving  bool // the next transaction saves them; the writer's, too

	copyRoom  int64 // by how much the file may grow while it is copied
	resealing sync.Mutex
	resealed  resealPosition // guarded by resealing

	beatsMu sync.Mutex
	beats   map[string]time.Time // when a collector was last heard of

	closing sync.RWMutex // held for reading while a step is put into queue
	closed  bool
	queue   chan *step
	hurry   chan struct{} // tells the writer, while it lets steps gather, of one that does not wait, or that they are as many as may be
	done    chan struct{} // closed when the writer has ended
	broken  atomic.Bool
	stuck   atomic.Bool // db is, and cannot be closed
}

var _ storage.Store = (*Store)(nil)

// Open opens the store in the file at path, and makes the file (mode 0600) and its directory (mode 0700) when they are missing.
// Beside it lies a mark, which belongs to it. It returns ErrLocked when another process has the file, ErrFormat when the file is not a
// store that this program can read, ErrDamaged, ErrEmpty or ErrCopy when it is not the store that was here, and
// storage.ErrWrongKey when it was sealed with another master key, storage.ErrUnfinished when it is half filled from another. The caller closes the store.
func Open(path string, sealer storage.Sealer, options Options) (*Store, error) {
	s := &Store{
		path:     path,
		copyRoom: maxCopyRoom,
		allocate: allocate,
		finish:   (*bbolt.Tx).Commit,
		codec:    storage.NewCodec(sealer),
		log:      options.Logger,
		clients:  cache.New[clientRow](maxClientBytes),
		logins:   newRecent[storage.Login](maxLoginBytes),
		grants:   newRecent[grantRow](maxGrantBytes),
		tokens:   newRecent[storage.AccessToken](maxTokenBytes),
		beats:    map[string]time.Time{},
		unsaved:  map[string]*storage.Login{},
		queue:    make(chan *step, 4*maxBatch),
		hurry:    make(chan struct{}, 1),
		done:     make(chan struct{}),
		observe:  options.Observe,
	}
	s.LoginSteps = storage.NewLoginSteps(s.stepLogin, s.stepLater, s.stepCompletion)
	if s.observe == nil {
		s.observe = func(time.Duration) {}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.openFile(path, options); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	if err := s.guard(func(*tx) error { return s.prepare(options) }, nil); err != nil {
		if s.broken.Load() {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, fmt.Errorf("open store %s: %w", path, errors.Join(explain(err), s.closeFile()))
	}
	go s.write()
	return s, nil
}

var (
	metaFormat     = []byte("format")
	metaKey        = []byte("key check")  // see storage.Codec.CheckKeys
	metaStore      = []byte("store")      // see mark.Store
	metaCheckpoint = []byte("checkpoint") // see checkpoint
	metaForgotten  = []byte("forgotten")  // time when a copy was accepted (8 bytes), with a checksum
	metaProbe      = []byte("probe")      // see Store.probe; there for a moment
)

// Ping returns nil when the file can be read and the writer takes steps. It writes nothing, unless the last commit found no room on the
// disk: then it tries whether there is some.
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
	if s.full.Load() {
		return s.probe(ctx)
	}
	return s.update(ctx, func(*tx) error { return nil })
}

// Failures returns how many steps were not stored since the store was opened, because the disk was full or the file broken. None of
// them is the caller's fault.
func (s *Store) Failures() uint64 { return s.failures.Load() }

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
	return s.closeFile()
}

func (s *Store) closeFile() error {
	if s.stuck.Load() {
		return s.file.Close()
	}
	s.kept.release()
	return s.db.Close()
}
