package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"brygga/cmd/brygga/config"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/postgres"
)

// backend is a store as it is run: in a file, or in a database that other processes use too.
type backend interface {
	storage.Store
	// Failures returns how many steps were not stored since the store was opened, by no fault of the caller's.
	Failures() uint64
}

// clockSkew is how far the clock of this machine and that of the database may be apart before an operator is told.
const clockSkew = 2 * time.Second

// openBackend opens the store of a configuration.
func openBackend(ctx context.Context, c *config.Config, log *slog.Logger, observe func(took time.Duration), now func() time.Time) (backend, error) {
	if !c.Postgres.Used() {
		return openStore(c.Data, c.MasterKey, c.OtherMasterKey, bolt.Options{Logger: log, Observe: observe})
	}
	o := c.Postgres.Options()
	o.Logger, o.Observe, o.Now = log, observe, now
	store, err := openDatabase(ctx, c.Postgres.DSN, c.MasterKey, c.OtherMasterKey, o)
	if err != nil {
		return nil, err
	}
	if offset := store.Offset(); offset.Abs() > clockSkew {
		log.WarnContext(ctx, "the clock of this machine and that of the database differ: look after the time service of both; the database's counts", "difference", offset.Round(time.Millisecond))
	}
	return store, nil
}

// openDatabase opens a store in a PostgreSQL database.
func openDatabase(ctx context.Context, dsn, masterKey, other secret.String, o postgres.Options) (*postgres.Store, error) {
	sealer, err := newSealer(masterKey, other)
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, dsn.Reveal(), sealer, o)
}

// openStore opens the store in the file of a data directory.
func openStore(data string, masterKey, other secret.String, o bolt.Options) (*bolt.Store, error) {
	sealer, err := newSealer(masterKey, other)
	if err != nil {
		return nil, err
	}
	store, err := bolt.Open(filepath.Join(data, storeFile), sealer, o)
	if _, unusable := errors.AsType[*fs.PathError](err); unusable {
		return nil, fail(exitUnavailable, "set data to a directory that this user may write, and run as the user that owns what is in it", "%w", err)
	}
	return store, err
}

// name returns what the store is called in messages.
func (s *server) storeName() string {
	if s.config.Postgres.Used() {
		return "the database"
	}
	return filepath.Join(s.config.Data, storeFile)
}

// keepTime lets all parts go by the clock of the database, where processes share one: codes, orders and QR frames of one are judged by
// another.
func (s *server) keepTime() {
	own := s.now
	s.ownTime = own
	s.now = func() time.Time {
		if shared := s.shared.Load(); shared != nil {
			return shared.Now()
		}
		return own()
	}
}
