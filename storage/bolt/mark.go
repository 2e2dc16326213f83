package bolt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// mark is a small file beside the store's, which says how far the store has come. A store file that lags behind it, or that is
// another's, was put there: in a copy codes, refresh tokens and all else that works once would work again.
//
// The file has two lines of the same length, the later of which counts. The other is written over, so that a full disk does not keep the
// store from saying how far it has come, and a crash in the middle leaves the one before.
type mark struct {
	// Written counts the marks.
	Written uint64 `json:"written"`
	// Store names the store; a copy that was accepted goes on under another name.
	Store string `json:"store"`
	// Run names the process that had the store last. Only its checkpoints are of use: pages that they count on were kept.
	Run string `json:"run"`
	// Transaction is one that the store had committed.
	Transaction uint64 `json:"transaction"`
	// Next names the store that is just about to be put in this one's place: see Compact.
	Next string `json:"next,omitempty"`
}

// markLine is the length of a line, in bytes: what disks write whole, or nearly so.
const markLine = 512

// line returns the mark as a line: its CRC-32C, JSON, and blanks.
func (m mark) line() ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	line := fmt.Appendf(nil, "%08x %s", crc32.Checksum(text, castagnoli), text)
	if len(line) >= markLine {
		return nil, fmt.Errorf("a mark of %d bytes is too long", len(line))
	}
	return append(append(line, bytes.Repeat([]byte{' '}, markLine-1-len(line))...), '\n'), nil
}

// parseMarkLine returns the mark of a line, and false when it was not written whole.
func parseMarkLine(line []byte) (m mark, ok bool) {
	sum, text, found := bytes.Cut(bytes.TrimRight(line, " \n"), []byte{' '})
	ok = found && string(sum) == fmt.Sprintf("%08x", crc32.Checksum(text, castagnoli)) && json.Unmarshal(text, &m) == nil
	return m, ok && m.Store != ""
}

// parseMark returns the mark that counts and in which line it is, and false when there is none. Until format 6 the file was a single line of JSON.
func parseMark(text []byte) (m mark, line int, ok bool) {
	if bytes.HasPrefix(text, []byte{'{'}) {
		ok = json.Unmarshal(text, &m) == nil && m.Store != ""
		return m, 0, ok
	}
	for i := 0; (i+1)*markLine <= len(text); i++ {
		if found, whole := parseMarkLine(text[i*markLine : (i+1)*markLine]); whole && (!ok || found.Written > m.Written) {
			m, line, ok = found, i, true
		}
	}
	return m, line, ok
}

// markPath returns the name of the mark of the store file at path.
func markPath(path string) string { return path + ".mark" }

// marked reports whether the store file has a mark, readable or not.
func marked(path string) bool {
	_, err := os.Lstat(markPath(path)) // a link that leads nowhere, to a disk that is not there, is a mark too
	return !errors.Is(err, fs.ErrNotExist)
}

// readMark returns the mark beside the store file, or an error that is fs.ErrNotExist when there is none.
func readMark(path string) (m mark, err error) {
	text, err := os.ReadFile(markPath(path))
	if err != nil {
		return mark{}, err
	}
	m, _, ok := parseMark(text)
	if !ok {
		return mark{}, fmt.Errorf("%w: %s cannot be read", ErrCopy, filepath.Base(markPath(path)))
	}
	return m, nil
}

// write puts the mark beside the store file: after a crash either the old one is there or the new.
func (m mark) write(path string) error {
	text, _ := os.ReadFile(markPath(path)) // what cannot be read is written anew
	before, at, ok := parseMark(text)
	m.Written = before.Written + 1
	line, err := m.line()
	if err != nil {
		return err
	}
	if !ok || len(text) != 2*markLine {
		return writeNewMark(path, append(line, line...))
	}
	file, err := os.OpenFile(markPath(path), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(line, int64(1-at)*markLine)
	ownAs(file, path)
	return errors.Join(err, file.Sync(), file.Close())
}

// writeNewMark puts another file in the place of the mark, or where there was none.
func writeNewMark(path string, text []byte) error {
	name := markPath(path) + ".new"
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	ownAs(file, path)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return os.Rename(name, markPath(path))
}

// checkMark compares the store of that name, which has come as far as the transaction, with its mark.
func checkMark(path, store string, transaction uint64) error {
	m, err := readMark(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s is missing", ErrCopy, filepath.Base(markPath(path)))
	case err != nil:
		return err
	case m.Next == store:
		return nil
	case m.Store != store:
		return fmt.Errorf("%w: %s belongs to another", ErrCopy, filepath.Base(markPath(path)))
	case transaction < m.Transaction:
		return fmt.Errorf("%w: it ends with transaction %d, and %d was reached here", ErrCopy, transaction, m.Transaction)
	}
	return nil
}

// ownAs gives the file, which root has made, to who owns the one at path: the server may run as another user.
func ownAs(file *os.File, path string) {
	if os.Geteuid() != 0 {
		return
	}
	if info, err := os.Stat(path); err == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok {
			file.Chown(int(owner.Uid), int(owner.Gid))
		}
	}
}
