package bolt

import (
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
)

// prepare brings the store up to this format, or makes it in a new file, and counts what is kept in memory. It takes no longer
// when more is stored.
func (s *Store) prepare(options Options) error {
	s.run = storage.NewID()
	if err := s.keep(); err != nil {
		return err
	}
	btx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	defer btx.Rollback() // has no effect after a commit
	t := &tx{btx: btx}
	stored, err := s.storedFormat(btx)
	if err != nil {
		return err
	}
	if err := s.prepareRows(t, stored, options); err != nil {
		return err
	}
	last := uint64(btx.ID())
	if t.writes > 0 {
		err = errors.Join(s.remember(t, true), btx.Commit())
	} else {
		last--
		err = btx.Rollback()
	}
	if err != nil {
		return err
	}
	s.copied.Store(last)
	if err := s.mark(last); err != nil {
		if stored != format || options.Accept {
			return err // without it the next start would take the file for a copy
		}
		s.log.Warn("the mark of the store cannot be written", "err", err)
	}
	return syncDirectory(filepath.Dir(s.path))
}

// prepareRows changes what must be changed in a file of that format, 0 for an empty one, before it is used.
func (s *Store) prepareRows(t *tx, stored int, options Options) error {
	if stored != 0 && !options.Unfinished && t.get(metaBucket, metaMigration) != nil {
		return storage.ErrUnfinished
	}
	if stored != format {
		if err := s.upgrade(t, stored); err != nil {
			return err
		}
	}
	if err := s.noteKey(t); err != nil {
		return err
	}
	if t.get(metaBucket, metaProbe) != nil { // of a process that was killed
		if err := t.remove(metaBucket, metaProbe); err != nil {
			return err
		}
	}
	if options.Accept && stored != 0 {
		if options.Now == nil {
			options.Now = time.Now
		}
		if err := s.startAnew(t, options.Now()); err != nil {
			return err
		}
	}
	cursor := t.bucket(pendingBucket).Cursor()
	for key, _ := cursor.First(); key != nil; key, _ = cursor.Next() {
		s.pending.Add(1)
	}
	s.name = string(t.get(metaBucket, metaStore))
	return t.damaged
}

// storedFormat returns the format of the file, 0 when it is empty, and an error when this program must not touch it.
func (s *Store) storedFormat(btx *bbolt.Tx) (int, error) {
	meta := btx.Bucket(bucketNames[metaBucket])
	if meta == nil {
		return 0, nil
	}
	return s.checkFormat(meta.Get(metaFormat), meta.Get(metaKey))
}

// upgrade makes a file of an older format, 0 for an empty one, one of this format.
func (s *Store) upgrade(t *tx, stored int) error {
	for _, name := range bucketNames {
		if _, err := t.btx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	if stored == 0 {
		if err := t.put(metaBucket, metaKey, s.codec.KeyCheck()); err != nil {
			return err
		}
	}
	if stored > 0 && stored < 4 {
		if err := s.splitLogins(t); err != nil {
			return err
		}
	}
	return errors.Join(
		renewClients(t), renewKeys(t), t.put(metaBucket, metaStore, []byte(storage.NewID())), t.put(metaBucket, metaFormat, []byte(strconv.Itoa(format))))
}

// splitLogins writes the logins of a file that has one row for all of each as two.
func (s *Store) splitLogins(t *tx) error {
	var ids []string
	if err := t.bucket(loginsBucket).ForEach(func(id, _ []byte) error {
		ids = append(ids, string(id))
		return nil
	}); err != nil {
		return err
	}
	for _, id := range ids {
		login, err := s.codec.DecodeWholeLogin(id, t.get(loginsBucket, []byte(id)))
		if err != nil {
			return err
		}
		request, err := s.codec.EncodeRequest(login)
		if err != nil {
			return err
		}
		state, err := s.codec.EncodeLogin(login)
		if err != nil {
			return err
		}
		if err := errors.Join(t.put(requestsBucket, []byte(id), request), t.put(loginsBucket, []byte(id), state)); err != nil {
			return err
		}
	}
	return nil
}
