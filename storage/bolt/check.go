package bolt

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
)

// ErrOlderFormat means that records cannot be checked because an earlier version has written the file. The next Open brings it up.
var ErrOlderFormat = fmt.Errorf("%w: an earlier version's, which the next start brings up", ErrFormat)

// Fault is something wrong with a row of a store file; its Kind is the name of the bucket.
type Fault = storage.Fault

// Count is how many rows a bucket has.
type Count struct {
	Bucket string
	Rows   int
}

// CheckRecords reads the whole store file at path, which no process may have open, and changes nothing: every page, every record, which it
// unseals, and whether records and the indexes that lead to them agree. It hands each fault to report, and returns how many rows the
// buckets have. Pages that do not fit together are an ErrDamaged, and nothing else is looked at then. ErrWrongKey, ErrLocked and ErrFormat are
// those of Open. Now tells what has not expired yet. A copy needs no mark to be checked. Memory is bounded but for some bytes for each grant of a session
// that has ended.
func CheckRecords(path string, sealer storage.Sealer, now time.Time, report func(Fault)) (counts []Count, err error) {
	s, err := openToRead(path, sealer)
	if err != nil {
		return nil, fmt.Errorf("check store %s: %w", path, err)
	}
	defer s.db.Close()
	c := &checker{codec: s.codec, now: now, report: report, kinds: map[byte]int{}, ended: map[string]bool{}}
	if err := s.view(c.run); err != nil {
		if s.broken.Load() {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, fmt.Errorf("check store %s: %w", path, explain(err))
	}
	return c.counts[metaBucket+1:], nil // what the store says of itself is no record
}

// openToRead opens the file for view alone, after a look at every page.
func openToRead(path string, sealer storage.Sealer) (*Store, error) {
	s := &Store{path: path, codec: storage.NewCodec(sealer), log: slog.New(slog.DiscardHandler)}
	hook := func(name string, flag int, mode os.FileMode) (*os.File, error) {
		file, err := os.OpenFile(name, flag, mode)
		if err != nil {
			return nil, err
		}
		if err = lock(file, 0); err == nil {
			err = s.inspectToRead(file)
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return file, nil
	}
	var err error
	s.db, err = bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, OpenFile: hook})
	return s, err
}

func (s *Store) inspectToRead(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: not a regular file", ErrFormat)
	}
	if info.Size() == 0 {
		return fmt.Errorf("%w: the file is empty", ErrEmpty)
	}
	im, err := readImage(file, info.Size())
	if errors.Is(err, errNoImage) {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err != nil {
		return err
	}
	if err := explain(im.check()); err != nil {
		return err
	}
	rows, err := im.rows(bucketNames[metaBucket])
	if err != nil {
		return explain(err)
	}
	if rows == nil {
		return fmt.Errorf("%w: it has no store in it", ErrFormat)
	}
	stored, err := s.checkFormat(rows[string(metaFormat)], rows[string(metaKey)])
	if err == nil && stored < format {
		err = ErrOlderFormat
	}
	return err
}
