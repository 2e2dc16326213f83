package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"

	"brygga/audit/tree"
)

// fileFormat names the form of a file.
const fileFormat = "brygga evidence 1"

// File is evidence as it leaves the house: the record and what has come to it since.
type File struct {
	// Line is the record, and Record what it says.
	Line   []byte
	Record *Record
	// Proof proves that the audit log has the event with the record's hash; nil when none came along.
	Proof *tree.Proof
	// Stamp is a time-stamp token (RFC 3161 §2.4.2) of the record's hash in DER, or nil.
	Stamp []byte
}

type wireHeader struct {
	Format string          `json:"format"`
	Proof  json.RawMessage `json:"proof,omitempty"`
	Stamp  []byte          `json:"time_stamp,omitempty"`
}

// Text returns the file. It holds personal data.
func (f *File) Text() ([]byte, error) {
	head := wireHeader{Format: fileFormat, Stamp: f.Stamp}
	if f.Proof != nil {
		proof, err := json.Marshal(f.Proof)
		if err != nil {
			return nil, fmt.Errorf("evidence: write a proof: %w", err)
		}
		head.Proof = proof
	}
	text, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("evidence: write a file: %w", err)
	}
	return bytes.Join([][]byte{text, f.Line, nil}, []byte("\n")), nil
}

// Read returns the file of a text, or ErrUnusable with the reason. Nothing of it is proven: [Verify] does that.
func Read(text []byte) (*File, error) {
	first, rest, found := bytes.Cut(text, []byte("\n"))
	line, behind, ended := bytes.Cut(rest, []byte("\n"))
	switch {
	case len(text) > 2*MaxLine:
		return nil, unusable("the file is too long")
	case !found || !ended:
		return nil, unusable("the file was cut: it has not two whole lines")
	}
	var head wireHeader
	if err := json.Unmarshal(first, &head); err != nil || head.Format != fileFormat {
		return nil, unusable("the file does not begin with a line of %q", fileFormat)
	}
	if len(bytes.TrimSpace(behind)) > 0 {
		return nil, unusable("something follows the record")
	}
	f := &File{Line: line, Stamp: head.Stamp}
	if len(head.Proof) > 0 {
		if err := json.Unmarshal(head.Proof, &f.Proof); err != nil {
			return nil, unusable("the proof of the audit log is of another form")
		}
	}
	var err error
	f.Record, err = ReadRecord(line)
	return f, err
}
