package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"brygga/audit"
	"brygga/audit/tree"
)

// File receives events as lines of a file, which is begun anew when it has grown large enough. The file is opened for each delivery, so
// that whoever moves it away gets what was written, and the next line begins another.
type File struct {
	// Path is the file; those before it have .1, .2 and so on behind that, the newest first.
	Path string
	// MaxBytes is the size from which on another file is begun, and Keep how many older ones are kept, at least 1.
	MaxBytes int64
	Keep     int
	// Line writes an event; nil means its line of JSON, byte for byte what the audit tree has signed.
	Line audit.Line
}

// Deliver writes the events and returns when the disk has them.
func (f *File) Deliver(_ context.Context, events []tree.Leaf) (delivered int, err error) {
	if err := f.write(events); err != nil {
		return 0, err
	}
	return len(events), nil
}

func (f *File) write(events []tree.Leaf) error {
	file, size, err := f.open()
	if err == nil && size >= f.MaxBytes {
		if err = errors.Join(file.Close(), f.rotate()); err == nil {
			file, size, err = f.open()
		}
	}
	if err != nil {
		return err
	}
	_, err = file.WriteAt(f.lines(events), size)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return syncDirectory(f.Path)
}

// open opens the file, without a line that was cut off, and returns its size.
func (f *File) open() (*os.File, int64, error) {
	file, err := os.OpenFile(f.Path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, 0, err
	}
	size, err := mend(file)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("look for a line that was cut off: %w", err), file.Close())
	}
	return file, size, nil
}

func (f *File) lines(events []tree.Leaf) []byte {
	var text bytes.Buffer
	for i := range events {
		if f.Line != nil {
			text.WriteString(f.Line(&events[i].Event))
		} else {
			text.Write(events[i].Text)
		}
		text.WriteByte('\n')
	}
	return text.Bytes()
}

// mend removes what stands behind the last line's end, which a crash or a full disk has left, and returns the size. The events of that
// line were not delivered and come again.
func mend(file *os.File) (end int64, err error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	part := make([]byte, 4<<10)
	for end = size; end > 0; {
		n := min(end, int64(len(part)))
		if _, err := file.ReadAt(part[:n], end-n); err != nil {
			return 0, err
		}
		i := bytes.LastIndexByte(part[:n], '\n')
		if end += int64(i) + 1 - n; i >= 0 {
			break
		}
	}
	if end == size {
		return size, nil
	}
	return end, file.Truncate(end)
}

// rotate moves the file away, and those before it one further, as far as there is one at each place: where there is none, a rotation that was
// broken off has left room.
func (f *File) rotate() error {
	last := 1
	for ; last < f.Keep; last++ {
		if _, err := os.Lstat(f.older(last)); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return err
		}
	}
	for i := last - 1; i >= 1; i-- {
		if err := os.Rename(f.older(i), f.older(i+1)); err != nil {
			return err
		}
	}
	return os.Rename(f.Path, f.older(1))
}

func (f *File) older(n int) string { return fmt.Sprintf("%s.%d", f.Path, n) }

// syncDirectory makes the names in the directory of the path last.
func syncDirectory(path string) error {
	directory, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
