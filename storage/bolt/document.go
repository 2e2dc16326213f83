package bolt

import (
	"context"
	"time"

	"brygga/storage"
)

// Document returns what is to be signed with the login of that ID; see storage.Logins.
func (s *Store) Document(_ context.Context, id string, now time.Time) (document *storage.Document, err error) {
	err = s.view(func(t *tx) error {
		row := t.get(documentsBucket, []byte(id))
		if row == nil {
			return storage.ErrNotFound
		}
		if document, err = s.codec.DecodeDocument(id, row); err != nil {
			return err
		}
		return storage.Unexpired(document.Expires, now)
	})
	if err != nil {
		return nil, err
	}
	return document, nil
}

func (s *Store) putDocument(t *tx, document *storage.Document) error {
	row, err := s.codec.EncodeDocument(document)
	if err != nil {
		return err
	}
	return t.put(documentsBucket, []byte(document.Login), row)
}

// removeDocument removes what was to be signed with a login, which most have not.
func (t *tx) removeDocument(login []byte) error {
	if !t.has(documentsBucket, login) {
		return nil
	}
	return t.remove(documentsBucket, login)
}

func (s *Store) documentEntry(_ *tx, id, row []byte) (storage.Entry, error) {
	document, err := s.codec.DecodeDocument(string(id), row)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.DocumentEntryOf(document), nil
}

func (c *checker) document(id, row []byte) error {
	document, err := c.codec.DecodeDocument(string(id), row)
	if err != nil {
		return errUnopened
	}
	state := c.get(loginsBucket, id)
	if state == nil {
		return errNoRecord
	}
	login, err := c.codec.DecodeLogin(string(id), c.get(requestsBucket, id), state)
	if err != nil {
		return nil // told with the login
	}
	if login.Request.Document != document.Sum() {
		return errOther
	}
	return nil
}
