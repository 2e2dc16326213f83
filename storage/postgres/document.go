package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// Document returns what is to be signed with the login of that ID; see storage.Logins.
func (s *Store) Document(ctx context.Context, id string, now time.Time) (*storage.Document, error) {
	body, err := s.sealedRow(ctx, `SELECT body FROM login_documents WHERE id = $1`, id)
	if err != nil {
		return nil, err
	}
	document, err := s.codec.DecodeDocument(id, body)
	if err != nil {
		return nil, err
	}
	if err := storage.Unexpired(document.Expires, now); err != nil {
		return nil, err
	}
	return document, nil
}

// sealedRow returns what a statement finds by an ID, or storage.ErrNotFound.
func (s *Store) sealedRow(ctx context.Context, query, id string) (body []byte, err error) {
	if !storable(id) {
		return nil, storage.ErrNotFound
	}
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		err := db.QueryRow(ctx, query, id).Scan(&body)
		if errors.Is(err, pgx.ErrNoRows) {
			return storage.ErrNotFound
		}
		return err
	})
	return body, err
}

func (s *Store) documentEntry(row pgx.Rows) (storage.Entry, error) {
	var id string
	var body []byte
	if err := row.Scan(&id, &body); err != nil {
		return storage.Entry{}, err
	}
	document, err := s.codec.DecodeDocument(id, body)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.DocumentEntryOf(document), nil
}
