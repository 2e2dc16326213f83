package bolt

import (
	"context"
	"errors"
	"strings"
	"syscall"
)

// Room in the file is made before a transaction needs it, and for real: a write into the holes that truncating leaves fails when the disk is
// full, in the middle of a transaction, which bbolt then takes back by reading every page.
const (
	// roomAhead is how much room there is to be at least; a transaction hardly needs more. roomStep is how much is made at once.
	roomAhead = 4 << 20
	roomStep  = 16 << 20
)

// makeRoom makes room in the file for a transaction that finds size bytes of it in use. When there is none on the disk, the store is low on
// room: it goes on as long as there is some in the file, and writes the list of free pages with each commit, so that one which fails is
// taken back quickly.
func (s *Store) makeRoom(size int64) {
	if size+roomAhead <= s.room {
		return
	}
	end := (size + roomAhead + roomStep - 1) / roomStep * roomStep
	err := s.allocate(s.file, s.room, end-s.room)
	if err == nil {
		err = s.file.Sync() // of the new size
	}
	switch {
	case noRoom(err):
		if !s.low {
			s.log.Error("the disk has no room for the store to grow", "path", s.path, "err", err)
		}
		s.low = true
		return
	case err != nil: // the file system cannot do it
		end = int64(^uint64(0) >> 1)
	case s.low:
		s.log.Info("the disk has room again", "path", s.path)
	}
	s.low, s.room = false, end
}

// noRoom reports whether err says that disk or quota are full, or that the file may not grow any more (setrlimit(2), RLIMIT_FSIZE). Of a file
// that cannot be made longer bbolt tells the text alone; nothing has been written then.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) ||
		err != nil && strings.HasPrefix(err.Error(), "file resize error: ")
}

// probeSize is what must fit into the file for it to have room again after a commit that found none. A single small row fits long after
// the steps of logins do not.
const probeSize = 256 << 10

// probe tries whether there is room again. Nothing else says so: a step on a full disk may happen to find pages that fit it.
func (s *Store) probe(ctx context.Context) error {
	if err := s.update(ctx, func(t *tx) error { return t.put(metaBucket, metaProbe, make([]byte, probeSize)) }); err != nil {
		return err
	}
	s.full.Store(false)
	return s.update(ctx, func(t *tx) error { return t.remove(metaBucket, metaProbe) })
}
