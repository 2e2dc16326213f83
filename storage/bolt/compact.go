package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
)

// compactBatch is how many bytes of rows one transaction of Compact copies.
const compactBatch = 16 << 20

// Compact writes the store at path, which no process may have open, anew without the room that expired records have left, and returns how many
// bytes the file had and has. Both are checked, every record, and report is told of faults; with one of them nothing is changed (ErrFaults).
// The old file is kept until the new one is on disk. A crash leaves one of the two, whole, which opens as ever. An older copy of the store is
// none of the new one: it is refused as a stranger's.
func Compact(path string, sealer storage.Sealer, now time.Time, report func(Fault)) (before, after int64, err error) {
	c := &compaction{path: path, fresh: path + ".compact", sealer: sealer, checks: Restoring{Now: now, Report: report}}
	before, after, err = c.run()
	if err != nil {
		return 0, 0, fmt.Errorf("compact store %s: %w", path, err)
	}
	return before, after, nil
}

type compaction struct {
	path, fresh string
	sealer      storage.Sealer
	checks      Restoring
}

func (c *compaction) run() (before, after int64, err error) {
	// Whatever Open refuses is not touched; it finds the free pages and brings the file up to this format.
	store, err := Open(c.path, c.sealer, Options{})
	if err != nil {
		return 0, 0, err
	}
	if err := store.Close(); err != nil {
		return 0, 0, err
	}
	rows, err := countWhole(c.path, c.sealer, c.checks)
	if err != nil {
		return 0, 0, err
	}
	old, err := openToRead(c.path, c.sealer) // keeps others from the file until the end
	if err != nil {
		return 0, 0, err
	}
	defer old.db.Close()
	if err := os.Remove(c.fresh); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a run that was killed
		return 0, 0, err
	}
	defer os.Remove(c.fresh)
	next, err := c.write(old)
	if err != nil {
		return 0, 0, err
	}
	if copied, err := countWhole(c.fresh, c.sealer, c.checks); err != nil || copied != rows {
		return 0, 0, errors.Join(err, fmt.Errorf("%w: %d rows became %d", ErrFaults, rows, copied))
	}
	sizes := [2]int64{}
	for i, name := range []string{c.path, c.fresh} {
		info, err := os.Stat(name)
		if err != nil {
			return 0, 0, err
		}
		sizes[i] = info.Size()
	}
	return sizes[0], sizes[1], c.replace(next)
}

// write writes the rows of the old file into the fresh one, and returns the name of the store that it is.
func (c *compaction) write(old *Store) (next string, err error) {
	file, err := os.OpenFile(c.fresh, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	ownAs(file, c.path)
	if err := file.Close(); err != nil {
		return "", err
	}
	db, err := bbolt.Open(c.fresh, 0o600, &bbolt.Options{NoSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return "", err
	}
	next = storage.NewID()
	err = old.guard(func(*tx) error { return bbolt.Compact(db, old.db, compactBatch) }, nil)
	if err == nil {
		err = db.Update(func(btx *bbolt.Tx) error {
			meta := btx.Bucket(bucketNames[metaBucket])
			return errors.Join(meta.Delete(metaCheckpoint), meta.Put(metaStore, []byte(next)))
		})
	}
	return next, errors.Join(err, db.Sync(), db.Close())
}

// replace puts the fresh file in the place of the old one. Until that is done the mark names both, so that either opens after a crash.
func (c *compaction) replace(next string) error {
	m, err := readMark(c.path)
	if err != nil {
		return err
	}
	m.Next = next
	directory := filepath.Dir(c.path)
	if err := errors.Join(m.write(c.path), syncDirectory(directory)); err != nil {
		return err
	}
	return errors.Join(os.Rename(c.fresh, c.path), syncDirectory(directory))
}
