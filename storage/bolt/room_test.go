package bolt

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
)

// TestFullDisk: a commit for which the disk has no room is refused as such, is remembered, and is not the end.
func TestFullDisk(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		s := openTest(t, Options{})
		now := time.Now().UTC()
		if err := s.CreateLogin(t.Context(), storage.Login{Request: new(storage.AuthRequest), ID: "l1", Expires: now.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		s.finish = func(btx *bbolt.Tx) error {
			return errors.Join(&os.PathError{Op: "write", Path: s.path, Err: errno}, btx.Rollback())
		}
		for n := range 3 {
			err := s.CreateLogin(t.Context(), storage.Login{Request: new(storage.AuthRequest), ID: "l2", Expires: now.Add(time.Minute)})
			if !errors.Is(err, ErrFull) || !errors.Is(err, storage.ErrUnavailable) || !errors.Is(err, errno) {
				t.Errorf("got %v, want ErrFull", err)
			}
			if got := s.Failures(); got != uint64(2*n+1) {
				t.Errorf("%d failures, want %d", got, 2*n+1)
			}
			if err := s.Ping(t.Context()); !errors.Is(err, ErrFull) {
				t.Errorf("Ping: got %v, want ErrFull", err)
			}
		}
		if _, err := s.Login(t.Context(), "l1", now); err != nil {
			t.Errorf("reading: %v", err)
		}
		s.finish = func(btx *bbolt.Tx) error { // pages that are free hold one more step, and no probe
			if btx.Bucket(bucketNames[metaBucket]).Get(metaProbe) != nil {
				return errors.Join(&os.PathError{Op: "write", Path: s.path, Err: errno}, btx.Rollback())
			}
			return btx.Commit()
		}
		if err := s.CreateLogin(t.Context(), storage.Login{Request: new(storage.AuthRequest), ID: "l3", Expires: now.Add(time.Minute)}); err != nil {
			t.Error(err)
		}
		if err := s.Ping(t.Context()); !errors.Is(err, ErrFull) {
			t.Errorf("Ping after a step that fitted: got %v, want ErrFull", err)
		}
		s.finish = (*bbolt.Tx).Commit // somebody has made room
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("Ping: %v", err)
		}
		if err := s.CreateLogin(t.Context(), storage.Login{Request: new(storage.AuthRequest), ID: "l2", Expires: now.Add(time.Minute)}); err != nil {
			t.Error(err)
		}
	}
}

// TestRoomIsMadeAhead: what the file has as room is on disk, so that a full disk stops its growth and no commit.
func TestRoomIsMadeAhead(t *testing.T) {
	var log bytes.Buffer
	s := openTest(t, Options{Logger: textLogger(&log)})
	s.db.NoSync = true
	var made []int64
	full := false
	s.room = 0
	s.allocate = func(_ *os.File, offset, length int64) error {
		if full {
			return syscall.ENOSPC
		}
		made = append(made, offset, length)
		return nil
	}
	step := func(size int) {
		t.Helper()
		if err := s.update(t.Context(), func(t *tx) error { return t.put(secretsBucket, []byte("key"), make([]byte, size)) }); err != nil {
			t.Fatal(err)
		}
	}
	step(1)
	step(14 << 20)
	step(1)
	if len(made) != 4 || made[0] != 0 || made[1] != roomStep || made[2] != roomStep || made[3] != roomStep {
		t.Fatalf("room was made at %d", made)
	}
	full = true
	step(26 << 20)
	step(1)
	for range 3 {
		step(1)
		im, err := readImage(s.file, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		if im.freelist == noFreelist {
			t.Error("a commit on a full disk did not write the list of free pages")
		}
	}
	if n := strings.Count(log.String(), "no room"); n != 1 {
		t.Errorf("it was said %d times that there is no room", n)
	}
	if s.kept.hold != nil {
		t.Error("a checkpoint takes room on a full disk")
	}
	full = false
	step(1)
	step(1)
	if s.kept.hold == nil {
		t.Error("there is no checkpoint again")
	}
	if im, err := readImage(s.file, 1<<40); err != nil || im.freelist != noFreelist {
		t.Errorf("commits still write the list of free pages, %v", err)
	}
}

// TestRoomIsReal looks at the blocks of the file.
func TestRoomIsReal(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.update(t.Context(), write("key")); err != nil {
		t.Fatal(err)
	}
	var stat syscall.Stat_t
	if err := syscall.Stat(s.path, &stat); err != nil {
		t.Fatal(err)
	}
	if s.room > roomStep { // a file system that makes no room
		return
	}
	if stat.Size < roomStep || stat.Blocks*512 < roomStep {
		t.Errorf("the file is %d bytes long and has %d on disk", stat.Size, stat.Blocks*512)
	}
}
