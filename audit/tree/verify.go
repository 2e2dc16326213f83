package tree

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrInvalid means that an export or proof is not what was signed, or is none.
var ErrInvalid = errors.New("does not verify")

// invalid returns an ErrInvalid that says why.
func invalid(format string, arguments ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, arguments...)...)
}

// Verified is what an export was found to be.
type Verified struct {
	// Log is the name of the log, Key what its checkpoint was verified with, and Size how many events that covers.
	Log  string
	Key  string
	Size int64
	// Events is how many events the export has, from the one of the index First on, and Hashes of how many it has only the hash.
	First, Events, Hashes int64
	// From and To are the times of the first and the last event, as they stand in the file.
	From, To time.Time
	// Known is how many of the checkpoints that were given the export goes on from.
	Known int
}

// maxLine bounds a line of an export, in bytes.
const maxLine = 1 << 20

// VerifyExport verifies an export with nothing but the key, which must not be taken from the same hands as the export, and checkpoints that the
// verifier has from earlier. It returns ErrInvalid with the reason when something was changed, left out, put in or cut off.
func VerifyExport(r io.Reader, key string, known ...[]byte) (*Verified, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	roots, err := knownRoots(verifier, known)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	head, size, root, err := readHeader(lines, key, verifier)
	if err != nil {
		return nil, err
	}
	v := &Verified{Log: verifier.Name(), Key: key, Size: size, First: head.First}
	sum := leftOf(head.First, head.Before)
	if sum == nil && head.First > 0 {
		return nil, invalid("line 1 has not the hashes of what lies before")
	}
	at := head.First
	for ; lines.Scan(); at++ {
		if at == size {
			return nil, invalid("line %d lies behind the end that was signed", at-head.First+2)
		}
		if err := v.line(lines.Bytes(), &sum); err != nil {
			return nil, invalid("line %d: %w", at-head.First+2, err)
		}
		if want, is := roots[at+1]; is {
			if sum.root() != want {
				return nil, invalid("what the known checkpoint of %d events signed is not what the export has", at+1)
			}
			v.Known++
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the export: %w", err)
	}
	switch {
	case at < size:
		return nil, invalid("it ends after %d events; %d were signed", at, size)
	case sum.root() != root:
		return nil, invalid("its events are not those that were signed: one was changed, left out or put in")
	}
	return v, latest(roots, size)
}

// latest returns an error when a known checkpoint is of more events than the export.
func latest(roots map[int64]tlog.Hash, size int64) error {
	for known := range roots {
		if known > size {
			return invalid("a known checkpoint is of %d events, the export of %d: its end is cut off, or it is from earlier", known, size)
		}
	}
	return nil
}

// knownRoots returns the roots of checkpoints by their sizes.
func knownRoots(key note.Verifier, known [][]byte) (map[int64]tlog.Hash, error) {
	roots := make(map[int64]tlog.Hash, len(known))
	for i, text := range known {
		size, root, err := openCheckpoint(text, key)
		if err != nil {
			return nil, invalid("known checkpoint %d: %w", i+1, err)
		}
		roots[size] = root
	}
	return roots, nil
}

// readHeader reads the first line, and verifies the checkpoint in it.
func readHeader(lines *bufio.Scanner, key string, verifier note.Verifier) (head header, size int64, root tlog.Hash, err error) {
	if !lines.Scan() {
		return head, 0, root, errors.Join(invalid("it is empty"), lines.Err())
	}
	if json.Unmarshal(lines.Bytes(), &head) != nil || head.Format != exportFormat || !spelled(lines.Bytes(), head) {
		return head, 0, root, invalid("line 1 is not that of a %s", exportFormat)
	}
	if head.Key != key {
		return head, 0, root, invalid("it is signed with another key than the one that was given")
	}
	if size, root, err = openCheckpoint([]byte(head.Checkpoint), verifier); err != nil {
		return head, 0, root, invalid("%w", err)
	}
	if head.First < 0 || head.First >= size {
		return head, 0, root, invalid("it begins at %d, and %d events were signed", head.First, size)
	}
	return head, size, root, nil
}

// spelled reports whether the line is how we write the value: nothing is in an export that nobody looks at.
func spelled(line []byte, value any) bool {
	want, err := json.Marshal(value)
	return err == nil && bytes.Equal(line, want)
}

// hashPrefix begins the lines that have no text; those of events begin otherwise.
var hashPrefix = []byte(`{"hash":`)

// line adds the leaf of a line to the sum.
func (v *Verified) line(line []byte, sum *subtrees) error {
	if bytes.HasPrefix(line, hashPrefix) {
		var gone hashLine
		if json.Unmarshal(line, &gone) != nil || !spelled(line, gone) {
			return errors.New("is no hash")
		}
		sum.add(gone.Hash)
		v.Hashes++
		return nil
	}
	var event struct{ Time time.Time }
	if err := json.Unmarshal(line, &event); err != nil {
		return errors.New("is no event")
	}
	if v.From.IsZero() || event.Time.Before(v.From) {
		v.From = event.Time
	}
	if event.Time.After(v.To) {
		v.To = event.Time
	}
	sum.add(tlog.RecordHash(line))
	v.Events++
	return nil
}
