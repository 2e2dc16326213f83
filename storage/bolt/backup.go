package bolt

import (
	"cmp"
	"errors"
	"fmt"
	"io"
)

// ErrSlowCopy means that a copy was given up because the store has grown too much meanwhile: while one is made, no page is used again. The
// same copy onto a faster disk may succeed.
var ErrSlowCopy = errors.New("storage/bolt: the store grows while the copy is written")

// maxCopyRoom is by how many bytes the file may grow while it is copied, unless it is larger itself: then it may double.
const maxCopyRoom = 1 << 30

// Backup writes a copy of the last committed state to w, while everything goes on, and returns how many bytes it wrote. The
// copy is a store file without a mark: [CheckRecords] looks whether it is whole, and [Restore] makes a store of it. Old pages are kept while it is
// written, so a slow w makes the file grow; when that is too much, the copy is given up with ErrSlowCopy. A w that stands still must end the
// write itself.
func (s *Store) Backup(w io.Writer) (int64, error) {
	btx, err := s.begin()
	if err != nil {
		return 0, fmt.Errorf("back up: %w", err)
	}
	defer btx.Rollback()
	s.copied.Store(uint64(btx.ID()))
	info, err := s.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("back up: %w", err)
	}
	out := &copyWriter{to: w, store: s, limit: info.Size() + max(info.Size(), s.copyRoom)}
	n, err := btx.WriteTo(out)
	if err != nil {
		return n, fmt.Errorf("back up: %w", cmp.Or(out.err, err)) // bbolt tells the text of some errors only
	}
	return n, nil
}

// copyWriter writes as long as the store's file is no longer than limit.
type copyWriter struct {
	to    io.Writer
	store *Store
	limit int64
	err   error // the last one
}

func (w *copyWriter) Write(p []byte) (n int, err error) {
	if n, err = w.write(p); err != nil {
		w.err = err
	}
	return n, err
}

func (w *copyWriter) write(p []byte) (int, error) {
	info, err := w.store.file.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() > w.limit {
		return 0, ErrSlowCopy
	}
	return w.to.Write(p)
}
