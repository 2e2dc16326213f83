package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// Errors of opening a file, beside those of package storage. Whatever is refused is left as it was.
var (
	// ErrLocked means that another process has the file open. Stop it first, or give this one a file of its own.
	ErrLocked = errors.New("storage/bolt: file is in use by another process")
	// ErrFormat means that the file is not a brygga store, or that a newer brygga wrote it.
	ErrFormat = errors.New("storage/bolt: unknown file format")
	// ErrDamaged means that the file is cut off, or that its pages do not fit together. Put an intact copy in its place.
	ErrDamaged = errors.New("storage/bolt: file is damaged")
	// ErrEmpty means that the file is empty, or gone from beside its mark: a new store in its place would have other keys, and
	// people would be strangers to every client. Who wants a new one removes the file and the mark.
	ErrEmpty = errors.New("storage/bolt: store is gone")
	// ErrCopy means that the file is not the store that was last here: an older copy of it, or one from elsewhere. Options.Accept
	// takes it.
	ErrCopy = errors.New("storage/bolt: file is a copy")
)

// damage returns an ErrDamaged with what was found.
func damage(format string, values ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, values...))
}

// wholeCheck is how many pages a file may have for all of them to be checked whenever it is opened, which then takes some
// ten milliseconds. Larger ones are checked by Check.
const wholeCheck = 8192

// mapSizes returns the sizes of the memory map to try, for the file if there is one. Readers hold back a writer only when the map
// must grow: so it is large from the start. It costs address space, which may be limited, and no memory.
func mapSizes(info fs.FileInfo) []int64 {
	var size int64
	if info != nil {
		size = info.Size()
	}
	if strconv.IntSize == 32 {
		return []int64{max(64<<20, size)}
	}
	return []int64{max(16<<30, 2*size), max(1<<30, size+size/4)}
}

func (s *Store) openFile(path string, options Options) error {
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh && marked(path) {
		return fmt.Errorf("%w: %s lies there alone", ErrEmpty, filepath.Base(markPath(path)))
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		s.log.Warn("store file is open to other users of this machine", "path", path, "mode", info.Mode().Perm().String())
	}
	open := options.testOnlyOpenFile
	if open == nil {
		open = os.OpenFile
	}
	// Bbolt takes the file as it finds it. So it gets one that is locked already, whose pages were looked at, and which has a list of
	// free pages.
	hook := func(name string, flag int, mode os.FileMode) (*os.File, error) {
		file, err := open(name, flag, mode)
		if err != nil {
			return nil, err
		}
		if fresh {
			ownAs(file, directory)
		}
		err = lock(file, options.LockTimeout)
		if err == nil {
			err = s.inspect(file, fresh, options)
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		s.file = file
		return file, nil
	}
	for _, size := range mapSizes(info) {
		s.mapped = size
		s.db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: int(size), NoStatistics: true, OpenFile: hook,
		})
		if !errors.Is(err, syscall.ENOMEM) {
			break
		}
	}
	if err != nil {
		return err
	}
	if fresh {
		return syncDirectory(directory)
	}
	return nil
}

// lock waits for another process to let go of the file, or returns ErrLocked.
func lock(file *os.File, wait time.Duration) error {
	if wait == 0 {
		wait = 2 * time.Second
	}
	for deadline := time.Now().Add(wait); ; time.Sleep(10 * time.Millisecond) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		if !time.Now().Before(deadline) {
			return ErrLocked
		}
	}
}

// inspect refuses a file that is not a whole store of this installation, and gives it a list of free pages where it has none.
func (s *Store) inspect(file *os.File, fresh bool, options Options) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: not a regular file", ErrFormat)
	}
	if info.Size() == 0 {
		if fresh {
			return nil
		}
		return fmt.Errorf("%w: the file is empty", ErrEmpty)
	}
	im, err := readImage(file, info.Size())
	if errors.Is(err, errNoImage) {
		if marked(file.Name()) {
			return damage("its first pages hold something else")
		}
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err != nil {
		return err
	}
	if err := s.inspectMeta(im, file.Name(), options); err != nil {
		return explain(err)
	}
	return explain(s.inspectPages(im, file, options))
}

// explain adds to damaged pages how they may have come about.
func explain(err error) error {
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w; a bad disk does so, and a copy that was made while a server had the file open", err)
	}
	return err
}

// inspectMeta checks format, master key and mark.
func (s *Store) inspectMeta(im *image, path string, options Options) error {
	rows, err := im.rows(bucketNames[metaBucket])
	if err != nil {
		return err
	}
	if rows == nil {
		return im.strange(path)
	}
	stored, err := s.checkFormat(rows[string(metaFormat)], rows[string(metaKey)])
	if err != nil {
		return err
	}
	if stored < 3 || options.Accept || im.transaction == firstTransaction && !marked(path) {
		return nil
	}
	return checkMark(path, string(rows[string(metaStore)]), im.transaction)
}

// firstTransaction is the one that makes a file a store; bbolt counts two for the empty file. Until its mark is written a process may be
// killed. The store holds nothing yet, so a copy of it is worth no more than no file.
const firstTransaction = 2

// strange says what a file without our first bucket is.
func (im *image) strange(path string) error {
	empty, ours := true, false // ours has other buckets of ours, or is no root: that of a torn copy may be any page
	w := walker{image: im, visit: newPageSet(im.high).once, leaf: func(p page) error {
		return p.each(func(name, _ []byte, bucket bool) error {
			empty, ours = false, ours || !bucket || isBucket(name)
			return nil
		})
	}}
	err := w.tree(im.root, 0)
	switch marked := marked(path); {
	case err == nil && empty && marked:
		return fmt.Errorf("%w: the file holds nothing", ErrEmpty)
	case err == nil && empty: // made by a process that was killed before its first transaction
		return nil
	case marked || ours || err != nil || im.freelist == noFreelist:
		return damage("its first bucket is missing")
	}
	return fmt.Errorf("%w: another program's database", ErrFormat)
}

// isBucket reports whether a bucket of ours has the name.
func isBucket(name []byte) bool {
	return slices.ContainsFunc(bucketNames[:], func(ours []byte) bool { return bytes.Equal(ours, name) })
}

// checkFormat returns the format that the file says it has, or an error when this program must not touch it.
func (s *Store) checkFormat(text, key []byte) (int, error) {
	number, err := strconv.Atoi(string(text))
	if err != nil || number < 1 || number > format {
		return 0, fmt.Errorf("%w: file has format %q, this program reads 1 to %d", ErrFormat, text, format)
	}
	if _, err := s.codec.CheckKeys(key); err != nil {
		return 0, err
	}
	return number, nil
}

// inspectPages checks the pages of a small file, or of one that was put here, and writes the list of free pages that is missing.
func (s *Store) inspectPages(im *image, file *os.File, options Options) error {
	if im.high <= wholeCheck && !options.testOnlyUnchecked || options.Accept {
		if err := im.check(); err != nil {
			return err
		}
	}
	if im.freelist != noFreelist {
		_, _, err := im.freePages(im.freelist, im.high)
		return err
	}
	began := time.Now()
	used, short := pageSet(nil), false
	if c, ok := s.checkpointOf(im, file.Name()); ok {
		var err error
		if used, err = im.usedSince(c); err != nil {
			s.log.Warn("the store's checkpoint is of no use, every page is read", "err", err)
		}
		short = err == nil
	}
	if !short {
		var err error
		if used, err = im.used(false); err != nil {
			return err
		}
	}
	if err := im.writeFreelist(file, used); err != nil {
		return err
	}
	s.log.Info("the store had not been closed; its free pages were found", "pages", im.high, "from_checkpoint", short, "took", time.Since(began).String())
	return nil
}

// checkpointOf returns the checkpoint that the last transaction remembers, if it is one of the process that had the store last.
func (s *Store) checkpointOf(im *image, path string) (checkpoint, bool) {
	rows, err := im.rows(bucketNames[metaBucket])
	if err != nil {
		return checkpoint{}, false
	}
	c, ok := parseCheckpoint(rows[string(metaCheckpoint)])
	m, err := readMark(path)
	return c, ok && err == nil && c.Run == m.Run && c.Run != ""
}

// check reads every page and looks whether they fit together: each is named once, the keys are in order, and what is listed as
// free is not in use. It does not look at what the rows say.
func (im *image) check() error {
	used, err := im.used(true)
	if err != nil || im.freelist == noFreelist {
		return err
	}
	free, pages, err := im.freePages(im.freelist, im.high)
	if err != nil {
		return err
	}
	if err := used.once(page{id: im.freelist, overflow: pages - 1}); err != nil {
		return err
	}
	for _, id := range free {
		if used.has(id) {
			return damage("page %d is listed as free and in use", id)
		}
	}
	return nil
}

// Check reads every page of the store file at path, which no process may have open, and returns an ErrDamaged when they do not
// fit together. What the rows say is not read. It takes seconds for each gigabyte, and changes nothing.
func Check(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := lock(file, 0); err != nil {
		return fmt.Errorf("check store %s: %w", path, err)
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	im, err := readImage(file, info.Size())
	if err == nil {
		err = explain(im.check())
	}
	if err != nil {
		return fmt.Errorf("check store %s: %w", path, err)
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
