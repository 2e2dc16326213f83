package bolt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"brygga/storage"
)

// ErrStoreExists means that there is a store where one should be restored. Move it away, with its mark, if the other shall take its place.
var ErrStoreExists = errors.New("storage/bolt: there is a store already")

// Restoring configures Restore.
type Restoring struct {
	// Now is the time by which everything ends that the copy would bring back to life.
	Now time.Time
	// Report is told of each fault that the copy has; see CheckRecords.
	Report func(Fault)
	// Accepted is handed the restored store before it gets its name. Nil for nobody.
	Accepted func(*Store) error
}

// ErrFaults means that records of a copy cannot be opened, or do not agree with each other.
var ErrFaults = errors.New("storage/bolt: the copy is not whole")

// Restore makes the store at path of a copy that Backup has written, and returns how many rows it has. The copy is checked first, every page
// and every record; ErrFaults says that it has faults. Then logins, codes, grants, tokens, sessions and pushed requests end, as with
// Options.Accept: nothing that was used, revoked or logged out since the copy was made works again. An existing file is never overwritten
// (ErrStoreExists); a mark without one is replaced. After an error, or a crash, there is no store at path, or the whole one.
func Restore(path string, from io.Reader, sealer storage.Sealer, r Restoring) (rows int, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w at %s", ErrStoreExists, path)
	}
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return 0, err
	}
	file, err := os.CreateTemp(directory, filepath.Base(path)+".restoring-*")
	if err != nil {
		return 0, err
	}
	name := file.Name()
	defer func() { os.Remove(name); os.Remove(markPath(name)) }()
	ownAs(file, directory)
	_, err = io.Copy(file, from)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return 0, fmt.Errorf("restore %s: %w", path, err)
	}
	if rows, err = acceptCopy(name, sealer, r); err != nil {
		return 0, fmt.Errorf("restore %s: %w", path, err)
	}
	// A name that is there already is not replaced by Link. Without its mark the file would be refused, and nothing of it would work again.
	err = os.Link(name, path)
	if errors.Is(err, fs.ErrExist) {
		return 0, fmt.Errorf("%w at %s", ErrStoreExists, path)
	}
	if err != nil { // a file system without links
		err = os.Rename(name, path)
	}
	if err != nil {
		return 0, fmt.Errorf("restore %s: %w", path, err)
	}
	return rows, errors.Join(os.Rename(markPath(name), markPath(path)), syncDirectory(directory))
}

// acceptCopy checks the copy and ends what it would bring back to life.
func acceptCopy(name string, sealer storage.Sealer, r Restoring) (rows int, err error) {
	rows, err = countWhole(name, sealer, r)
	older := errors.Is(err, ErrOlderFormat)
	if err != nil && !older {
		return 0, err
	}
	store, err := Open(name, sealer, Options{Accept: true, Now: func() time.Time { return r.Now }})
	if err != nil {
		return 0, err
	}
	if r.Accepted != nil {
		err = r.Accepted(store)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return 0, err
	}
	if older { // it could not be looked at before
		return countWhole(name, sealer, r)
	}
	return rows, nil
}

// countWhole returns how many rows the file has, or ErrFaults.
func countWhole(name string, sealer storage.Sealer, r Restoring) (rows int, err error) {
	faults := 0
	counts, err := CheckRecords(name, sealer, r.Now, func(fault Fault) {
		faults++
		r.Report(fault)
	})
	if err != nil {
		return 0, err
	}
	for _, count := range counts {
		rows += count.Rows
	}
	if faults > 0 {
		return rows, fmt.Errorf("%w: %d faults", ErrFaults, faults)
	}
	return rows, nil
}
