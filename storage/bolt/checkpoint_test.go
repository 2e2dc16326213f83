package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// TestFreePagesAfterAKill lets a store work, takes its file as a kill would leave it again and again, and demands that what is found by
// the checkpoint is what reading every page finds, and that the store goes on from there.
func TestFreePagesAfterAKill(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	path, sealer, now := filepath.Join(t.TempDir(), "brygga.db"), storagetest.FixedSealer("test"), time.Now().UTC()
	logins, short := 0, 0
	for round := range 14 {
		var log bytes.Buffer
		s, err := Open(path, sealer, Options{Logger: textLogger(&log)})
		if err != nil {
			t.Fatal(err)
		}
		short += strings.Count(log.String(), "from_checkpoint=true")
		s.db.NoSync = true
		for range random.IntN(80) {
			if random.IntN(20) == 0 {
				s.kept.commits = keptCommits // the next commit is a checkpoint
			}
			work(t, s, random, &logins, now)
		}
		raw, mark := readFile(t, path), readFile(t, markPath(path))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		im := image1(t, raw)
		want, err := im.used(true)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if im.freelist == noFreelist {
			c, ok := parseCheckpoint(metaRows(t, im)[string(metaCheckpoint)])
			got, err := im.usedSince(c)
			if err != nil || !ok || !slices.Equal(got, want) {
				t.Fatalf("round %d: the checkpoint tells other pages than all pages do: %v", round, err)
			}
		}
		if random.IntN(3) > 0 { // else it was closed
			if err := errors.Join(os.WriteFile(path, raw, 0o600), os.WriteFile(markPath(path), mark, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if short < 3 {
		t.Errorf("%d openings made use of a checkpoint", short)
	}
	s, err := Open(path, sealer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range logins {
		if _, err := s.Login(t.Context(), fmt.Sprint("login", i), now); err != nil && !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("login %d: %v", i, err)
		}
	}
}

func metaRows(t *testing.T, im *image) map[string][]byte {
	t.Helper()
	rows, err := im.rows(bucketNames[metaBucket])
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// work does one of the things that make pages used and free.
func work(t *testing.T, s *Store, random *rand.Rand, logins *int, now time.Time) {
	t.Helper()
	var err error
	switch random.IntN(4) {
	case 0: // some come together, some of them are large
		err = s.update(t.Context(), func(t *tx) error {
			for range 1 + random.IntN(60) {
				login := &storage.Login{Request: new(storage.AuthRequest), ID: fmt.Sprint("login", *logins), Expires: now.Add(time.Duration(*logins) * time.Second)}
				login.Request.State = strings.Repeat("s", random.IntN(9000))
				*logins++
				if err := s.putNewLogin(t, login); err != nil {
					return err
				}
			}
			return nil
		})
	case 1:
		_, err = s.Sweep(t.Context(), now.Add(time.Duration(random.IntN(*logins+1))*time.Second), random.IntN(100))
	case 2:
		_, err = s.CancelOrder(t.Context(), fmt.Sprint("login", random.IntN(*logins+1)), storage.Failure{}, now)
	case 3:
		err = s.update(t.Context(), write(fmt.Sprint("key", random.IntN(3000))))
	}
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrConflict) {
		err = nil
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestCheckpointsComeByThemselves: what a kill leaves behind to read is bounded.
func TestCheckpointsComeByThemselves(t *testing.T) {
	s := openTest(t, Options{})
	s.db.NoSync = true
	most := 0
	for i := range 2*keptCommits + 10 {
		if err := s.update(t.Context(), write(fmt.Sprint("key", i%50))); err != nil {
			t.Fatal(err)
		}
		im, err := readImage(s.file, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		if im.freelist != noFreelist {
			continue
		}
		c, ok := parseCheckpoint(metaRows(t, im)[string(metaCheckpoint)])
		if !ok || c.Run != s.run {
			t.Fatal("a commit does not remember the checkpoint")
		}
		most = max(most, int(im.transaction-c.Transaction))
	}
	if most < keptCommits-1 || most > keptCommits+1 {
		t.Errorf("%d commits since a checkpoint, want %d", most, keptCommits)
	}
}

// TestCheckpointOfAnotherRunIsNotTrusted: pages that it counts on may have been used again since.
func TestCheckpointOfAnotherRunIsNotTrusted(t *testing.T) {
	f := fillFile(t, false)
	other, _, _ := parseMark(f.mark)
	other.Run = storage.NewID()
	line, err := other.line()
	if err != nil {
		t.Fatal(err)
	}
	f.mark = append(line, line...)
	var log bytes.Buffer
	s, err := Open(f.put(t, f.raw), storagetest.FixedSealer("test"), Options{Logger: textLogger(&log)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !strings.Contains(log.String(), "from_checkpoint=false") {
		t.Errorf("log: %s", log.String())
	}
}

// TestFullMapForgetsTheCheckpoint: bbolt would wait for the transaction that holds it, for ever.
func TestFullMapForgetsTheCheckpoint(t *testing.T) {
	s := openTest(t, Options{})
	s.mapped = growthRoom
	for i := range 2 {
		if err := s.update(t.Context(), write(fmt.Sprint("key", i))); err != nil {
			t.Fatal(err)
		}
	}
	if s.kept.hold != nil {
		t.Error("the checkpoint is held")
	}
	if rows := metaRows(t, image1(t, readFile(t, s.path))); rows[string(metaCheckpoint)] != nil {
		t.Error("the checkpoint is remembered, though its pages may be used again")
	}
}
