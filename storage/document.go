package storage

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Document is what a person is to sign: the exact bytes. It is written once, with its login, and gone with it; the login and each order for it
// hold its SHA-256.
type Document struct {
	// Login is the ID of the login, and Expires when that ends. The store sets both.
	Login   string    `json:"-"`
	Expires time.Time `json:"expires"`
	// Visible is what the app shows, in the format that the eID calls so; Hidden is signed along and not shown.
	Visible []byte `json:"visible,omitempty"`
	Format  string `json:"format,omitempty"`
	Hidden  []byte `json:"hidden,omitempty"`
}

// Sum returns the SHA-256 of the document: no two that differ in what is shown, how, or what is signed along have the same.
func (d *Document) Sum() Hash {
	return sumOf("brygga document", d.Visible, []byte(d.Format), d.Hidden)
}

// sumOf returns the SHA-256 of the parts, each with its length before it, under a name that belongs to one kind of record.
func sumOf(name string, parts ...[]byte) (sum Hash) {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}

// Signing returns the login as one whose person is to sign the document, and the document as one of that login, or an error when either is
// not whole. Backends store both in one step.
func (l Login) Signing(d Document) (Login, Document, error) {
	if l.ID == "" || l.Request == nil || len(d.Visible)+len(d.Hidden) == 0 {
		return l, d, errors.New("create signature: the login has no ID or no request, or there is nothing to sign")
	}
	l.Request = l.Request.Own()
	l.Request.Kind, l.Request.Document = KindSign, d.Sum()
	d.Login, d.Expires = l.ID, microUp(l.Expires)
	return l, d, nil
}

// DocumentEntryOf returns the entry of a document.
func DocumentEntryOf(d *Document) Entry {
	return Entry{Kind: DocumentEntry, Key: []byte(d.Login), Record: d, Kept: d.Expires}
}

// EncodeDocument returns the document, sealed.
func (c Codec) EncodeDocument(d *Document) ([]byte, error) { return c.seal(SealedDocument, d.Login, d) }

// DecodeDocument returns the document of the login of that ID from what EncodeDocument made.
func (c Codec) DecodeDocument(login string, sealed []byte) (*Document, error) {
	d := &Document{Login: login}
	if err := c.open(SealedDocument, login, sealed, d); err != nil {
		return nil, fmt.Errorf("decode document: %w", err)
	}
	return d, nil
}
