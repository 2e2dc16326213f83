package bolt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// mark is a small file beside the store's, which says how far the store has come. A store file that lags behind it, or that is
// another's, was put there: in a copy codes, refresh tokens and all else that works once would work again.
type mark struct {
	// Store names the store; a copy that was accepted goes on under another name.
	Store string `json:"store"`
	// Run names the process that had the store last. Only its checkpoints are of use: pages that they count on were kept.
	Run string `json:"run"`
	// Transaction is one that the store had committed.
	Transaction uint64 `json:"transaction"`
	// Next names the store that is just about to be put in this one's place: see Compact.
	Next string `json:"next,omitempty"`
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
	if err := json.Unmarshal(text, &m); err != nil || m.Store == "" {
		return mark{}, fmt.Errorf("%w: %s cannot be read", ErrCopy, filepath.Base(markPath(path)))
	}
	return m, nil
}

// write puts the mark beside the store file: after a crash either the old one is there or the new.
func (m mark) write(path string) (err error) {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	name := markPath(path) + ".new"
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
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
