// Package tree lets the audit log prove itself: its events are the leaves of a Merkle tree (RFC 6962 §2.1) that only grows, and a signed
// checkpoint says how many there are and what their root is. Who has a checkpoint from earlier finds whether an event was changed, lost or
// slipped in since, and who has one from later whether the end was cut off. Retention takes the text of an event and leaves its hash.
//
// It owns the order of the leaves, the checkpoints, and what is exported for those who verify without us. The leaf of an event is
// its line of JSON (storage.AuditText); checkpoints are those of C2SP tlog-checkpoint, signed as C2SP signed-note says. It must not know who
// raises events or reads them.
package tree

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"brygga/secret"
	"brygga/storage"
)

// ErrTampered means that the log is not what was signed: an event, a hash or the checkpoint was changed by somebody without the key.
var ErrTampered = errors.New("audit/tree: the audit log is not what was signed")

// Key signs checkpoints, and names the log.
type Key struct {
	signer   note.Signer
	verifier note.Verifier
	// Public is the key that checkpoints are verified with, in the form of C2SP signed-note: the name, a hash and the key.
	Public string
}

// NewKey returns the text of a new key for the log of that issuer, to be kept secret and handed to ReadKey.
func NewKey(issuer string) (secret.String, error) {
	name := strings.NewReplacer("+", "-", " ", "-").Replace(issuer)
	if _, behind, ok := strings.Cut(name, "://"); ok {
		name = behind
	}
	private, public, err := note.GenerateKey(rand.Reader, strings.TrimSuffix(name, "/")+"/audit")
	if err != nil {
		return secret.String{}, fmt.Errorf("make a key of the audit log: %w", err)
	}
	return secret.New(private + "\n" + public), nil
}

// ReadKey returns the key that NewKey has written.
func ReadKey(text secret.String) (*Key, error) {
	private, public, _ := strings.Cut(text.Reveal(), "\n")
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, errors.New("the stored key of the audit log cannot be read") // the error may quote it
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("read the key of the audit log: %w", err)
	}
	return &Key{signer, verifier, public}, nil
}

// Options are the parts of a Tree. Store and Key are required.
type Options struct {
	Store storage.AuditLog
	Key   *Key
	// Rest is how long Grow leaves the tree to another process that was at it; 0 means half a minute.
	Rest time.Duration
	// Logger gets what deserves a look; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Tree is the tree over the audit log of a store. Its methods may be called concurrently, but for Grow.
type Tree struct {
	store storage.AuditLog
	key   *Key
	log   *slog.Logger
	now   func() time.Time
	pause time.Duration // Options.Rest
	grower
}

// New returns the tree over the options, or an error that names the option which is missing.
func New(o Options) (*Tree, error) {
	if o.Store == nil || o.Key == nil {
		return nil, errors.New("audit/tree: no store or no key")
	}
	t := &Tree{store: o.Store, key: o.Key, log: o.Logger, now: o.Now, pause: cmp.Or(o.Rest, restOthers)}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if t.now == nil {
		t.now = time.Now
	}
	return t, nil
}

// PublicKey returns the key that checkpoints are verified with; see Key.Public.
func (t *Tree) PublicKey() string { return t.key.Public }

// Checkpoint returns the signed checkpoint as it stands, and the number of events under it: nil and 0 before the first.
func (t *Tree) Checkpoint(ctx context.Context) (text []byte, size int64, err error) {
	tree, err := t.stored(ctx)
	return tree.Checkpoint, tree.Size, err
}

// stored returns the tree as the store has it, or ErrTampered when its checkpoint is not ours.
func (t *Tree) stored(ctx context.Context) (storage.AuditTree, error) {
	tree, err := t.store.AuditTree(ctx)
	if err != nil {
		return tree, fmt.Errorf("read the audit tree: %w", err)
	}
	if tree.Size == 0 && tree.Checkpoint == nil {
		return tree, nil
	}
	size, _, err := openCheckpoint(tree.Checkpoint, t.key.verifier)
	if err == nil && size != tree.Size {
		err = errors.New("the checkpoint is of another size")
	}
	if err != nil {
		return tree, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return tree, nil
}

// sign returns the tree of that size and root, with its checkpoint.
func (k *Key) sign(size int64, root tlog.Hash) (storage.AuditTree, error) {
	text, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", k.signer.Name(), size, root)}, k.signer)
	if err != nil {
		return storage.AuditTree{}, fmt.Errorf("sign a checkpoint: %w", err)
	}
	return storage.AuditTree{Size: size, Checkpoint: text}, nil
}

// openCheckpoint returns what a checkpoint says that is signed with the key. Lines behind the root are for others.
func openCheckpoint(text []byte, key note.Verifier) (size int64, root tlog.Hash, err error) {
	opened, err := note.Open(text, note.VerifierList(key))
	if err != nil {
		return 0, root, fmt.Errorf("open the checkpoint: %w", err)
	}
	var origin string
	var hash tlog.Hash
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) < 4 {
		return 0, root, errors.New("the checkpoint has too few lines")
	}
	origin = lines[0]
	if _, err := fmt.Sscanf(lines[1], "%d", &size); err != nil || fmt.Sprint(size) != lines[1] || size < 0 {
		return 0, root, errors.New("the checkpoint has no size")
	}
	if _, err := base64.StdEncoding.Strict().DecodeString(opened.Sigs[0].Base64); err != nil {
		return 0, root, errors.New("the signature is not in its one spelling")
	}
	if hash, err = tlog.ParseHash(lines[2]); err != nil || hash.String() != lines[2] || origin != key.Name() {
		return 0, root, errors.New("the checkpoint has no root, or is another log's")
	}
	return size, hash, nil
}

// readTiles returns the hashes of tiles of the store.
func (t *Tree) readTiles(ctx context.Context) storage.TileReader {
	return func(places []tlog.Tile) ([][]byte, error) {
		all := make([][]byte, len(places))
		for i, at := range places {
			tiles, err := t.store.AuditTiles(ctx, at.L, at.N, 1)
			if err != nil {
				return nil, err
			}
			if len(tiles) == 0 || tiles[0].Index != at.N || len(tiles[0].Hashes) < tlog.HashSize*at.W {
				return nil, fmt.Errorf("%w: tile %d of level %d is missing", ErrTampered, at.N, at.L)
			}
			all[i] = tiles[0].Hashes[:tlog.HashSize*at.W]
		}
		return all, nil
	}
}

// events calls do with each event from the one time to the other, both inclusive, in order. Some may come twice.
func (t *Tree) events(ctx context.Context, from, to time.Time, do func(hash tlog.Hash, event *storage.AuditEvent, text []byte) error) error {
	for limit := eventsPage; ; {
		page, err := t.store.AuditEvents(ctx, from, to.Add(time.Microsecond), limit)
		if err != nil {
			return fmt.Errorf("read audit events: %w", err)
		}
		for i := range page {
			text, err := storage.AuditText(&page[i])
			if err != nil {
				return err
			}
			if err := do(tlog.RecordHash(text), &page[i], text); err != nil {
				return err
			}
		}
		if len(page) < limit {
			return nil
		}
		if last := page[limit-1].Time; last.After(from) {
			from = last
		} else {
			limit *= 2 // all of one microsecond
		}
	}
}

// eventsPage is how many events are read at once.
const eventsPage = 1000
