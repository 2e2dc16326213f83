package bolt

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// A commit writes no list of the free pages: it may be long, and costs time with every step. But who opens a file without one must
// find them. So a commit now and then writes it: a checkpoint. Those that follow remember it, and the pages that it uses are not
// used again before the next, so that what has changed since is all that must be read after a kill (see usedSince).

// keeper holds the last checkpoint.
type keeper struct {
	// hold is a transaction that reads the checkpoint, which keeps bbolt from using its pages again. It is nil when none is
	// kept.
	hold *bbolt.Tx
	// row is the checkpoint as the next transaction is to remember it, nil when the last one does.
	row []byte
	// commits and pages were written since; list is how many pages the list of free ones has.
	commits, pages, list int
}

const (
	// keptCommits and keptPages are after how many commits, or pages written, the next checkpoint is due, unless the list of free
	// pages is more than a 32nd of what was written; maxKeptCommits bounds that, for each commit looks at those since.
	keptCommits, keptPages, maxKeptCommits = 256, 16384, 4096
	// growthRoom is more than one transaction makes the file grow. When the memory map has no more room, bbolt makes a new one, and
	// waits for all transactions that read.
	growthRoom = 256 << 20
)

func (k *keeper) due() bool {
	return (k.commits >= keptCommits || k.pages >= keptPages) && (k.pages >= 32*k.list || k.commits >= maxKeptCommits)
}

// release lets go of the checkpoint.
func (k *keeper) release() {
	if k.hold != nil {
		k.hold.Rollback()
	}
	*k = keeper{}
}

// keep makes the last transaction, which wrote the list of free pages, the checkpoint.
func (s *Store) keep() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	im, err := readImage(s.file, info.Size())
	if err != nil {
		return err
	}
	p, err := im.page(im.freelist, false)
	if err != nil {
		return err
	}
	text, err := json.Marshal(checkpoint{s.run, im.transaction, im.root, im.freelist, im.high})
	if err != nil {
		return err
	}
	hold, err := s.db.Begin(false)
	if err != nil {
		return err
	}
	if uint64(hold.ID()) != im.transaction {
		return errors.Join(errors.New("the last transaction is not the one on disk"), hold.Rollback())
	}
	s.kept.release()
	s.kept = keeper{hold: hold, row: withSum(metaCheckpoint, text), list: 1 + int(p.overflow)}
	return nil
}

// mapFull reports whether the memory map might have to grow for the transaction.
func (s *Store) mapFull(t *tx) bool { return t.btx.Size()+growthRoom > s.mapped }

// remember makes the transaction remember the checkpoint. Without one it is to be forgotten, as its pages are used again.
func (s *Store) remember(t *tx, keep bool) error {
	meta := t.bucket(metaBucket)
	switch {
	case !keep:
		return meta.Delete(metaCheckpoint)
	case s.kept.row != nil:
		return meta.Put(metaCheckpoint, s.kept.row)
	}
	return nil
}

// commitKept commits a transaction that remembers the checkpoint, or makes it the next one when it is due. There is none when the memory
// map is nearly full, nor when the disk is, as a checkpoint takes room: each commit writes the list then.
func (s *Store) commitKept(t *tx) error {
	last, full := uint64(t.btx.ID()), s.mapFull(t)
	keep := s.kept.hold != nil && !full && !s.low
	if err := s.remember(t, keep); err != nil {
		return errors.Join(err, s.rollback(t.btx))
	}
	due := !full && !s.low && (s.kept.hold == nil || s.kept.due())
	s.db.NoFreelistSync = !due && !s.low
	err := s.commitGuarded(t.btx)
	s.db.NoFreelistSync = true
	if err != nil {
		return err
	}
	stats := t.btx.Stats()
	s.kept.row = nil
	s.kept.commits++
	s.kept.pages += int(stats.GetPageCount())
	switch {
	case due:
		s.nextCheckpoint(last)
	case s.copied.Load() >= s.marked:
		s.passCopy(last)
	case !keep && s.kept.hold != nil:
		s.kept.release()
		if full {
			s.log.Warn("the store file has outgrown its memory map; until the next start, opening it after a kill reads every page")
		}
	}
	return nil
}

// nextCheckpoint makes the transaction, which was the last, the checkpoint. When that fails, the one before remains.
func (s *Store) nextCheckpoint(last uint64) {
	err := s.mark(last) // first: a copy from before must not be taken for the store
	if err == nil {
		err = s.keep()
	}
	if err != nil {
		s.log.Warn("no checkpoint of the store: opening it after a kill takes longer", "err", err)
	}
}

// passCopy lets the mark say that the store has gone on, with the transaction, since it was copied: after a kill before the next
// checkpoint the copy would pass for the store.
func (s *Store) passCopy(last uint64) {
	if err := s.mark(last); err != nil {
		s.log.Warn("the mark of the store cannot be written: after a kill a copy of it would not be known as one", "err", err)
		s.marked = last // once is enough; the next checkpoint tries again
	}
}

// mark notes beside the file that the store has committed the transaction.
func (s *Store) mark(transaction uint64) error {
	if err := (mark{Store: s.name, Run: s.run, Transaction: transaction}).write(s.path); err != nil {
		return fmt.Errorf("write the mark: %w", err)
	}
	s.marked = transaction
	return nil
}

// syncFreelist writes the list of free pages when the store is closed, so that opening it takes no longer when more is stored, and
// the mark. When it fails, only that is lost.
func (s *Store) syncFreelist() {
	if s.broken.Load() {
		return
	}
	s.db.NoFreelistSync = false
	btx, err := s.db.Begin(true)
	if err != nil {
		return
	}
	last := uint64(btx.ID())
	if err = s.commitGuarded(btx); err == nil {
		err = s.mark(last)
	}
	if err != nil {
		s.log.Warn("the store was not closed well: opening it takes longer", "err", err)
	}
}
