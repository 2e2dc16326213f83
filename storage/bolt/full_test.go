package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

// fullChild names the environment variable that makes this test binary the process that may not write beyond some place.
const fullChild = "BRYGGA_TEST_FULL_FILE"

// TestNoRoom has a process whose files may not grow go through a full disk and out of it again, and another one be killed on it: nothing that
// was acknowledged is lost, nothing is torn, and a copy from before the last steps does not pass for the store.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"recovers", "killed"} {
		path := filepath.Join(t.TempDir(), "brygga.db")
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), fullChild+"="+path, "BRYGGA_TEST_FULL_END="+how)
		said, err := child.CombinedOutput()
		if killed := child.ProcessState.Sys().(syscall.WaitStatus).Signaled(); killed != (how == "killed") || !killed && err != nil {
			t.Fatalf("%s: %v: %s", how, err, said)
		}
		sealer := storagetest.FixedSealer("full")
		if _, err := bolt.Open(withMark(t, path+".copy", path+".mark"), sealer, bolt.Options{}); !errors.Is(err, bolt.ErrCopy) {
			t.Errorf("%s: a copy from before the last steps on a full disk: got %v, want ErrCopy", how, err)
		}
		store, err := bolt.Open(path, sealer, bolt.Options{})
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		ids := strings.Fields(string(said))
		if len(ids) == 0 {
			t.Errorf("%s: nothing was stored", how)
		}
		for _, id := range ids {
			if _, err := store.Login(t.Context(), id, time.Now().UTC()); err != nil {
				t.Errorf("%s: %s: %v", how, id, err)
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := bolt.CheckRecords(path, sealer, time.Now(), func(f bolt.Fault) { t.Errorf("%s: %s", how, f) }); err != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
}

// withMark returns the path of a store file that has the mark.
func withMark(t *testing.T, file, mark string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "brygga.db")
	for from, to := range map[string]string{file: path, mark: path + ".mark"} {
		raw, err := os.ReadFile(from)
		if err := errors.Join(err, os.WriteFile(to, raw, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// backUp writes a copy of the store to the file.
func backUp(store *bolt.Store, name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = store.Backup(file)
	return errors.Join(err, file.Close())
}

// growTo lets files of this process grow to so many bytes.
func growTo(bytes uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(bytes, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// fillDisk stores logins until there is no room, looks how the store bears that, and makes room, or is killed. It writes the IDs of the logins
// that the store has acknowledged.
func fillDisk(path string) error {
	store, err := bolt.Open(path, storagetest.FixedSealer("full"), bolt.Options{})
	if err != nil {
		return err
	}
	if err := growTo(17 << 20); err != nil {
		return err
	}
	ctx, now, n := context.Background(), time.Now().UTC(), 0
	login := func(size int) error {
		n++
		id := fmt.Sprint("login-", n)
		err := store.CreateLogin(ctx, storage.Login{ID: id, Expires: now.Add(time.Hour), Request: &storage.AuthRequest{State: strings.Repeat("s", size)}})
		if err == nil {
			fmt.Println(id)
		}
		return err
	}
	for err == nil && n < 10_000 {
		if n%50 == 49 { // the last of them when the file cannot grow any more, but has room still
			if err := backUp(store, path+".copy"); err != nil {
				return err
			}
		}
		err = login(20_000)
	}
	if !errors.Is(err, bolt.ErrFull) || !errors.Is(err, storage.ErrUnavailable) {
		return fmt.Errorf("after %d logins: got %v, want ErrFull", n, err)
	}
	for range 3 {
		// It depends on which free pages the rows get whether a step fits still; the store is not ready for all that.
		if err := login(20_000); err != nil && !errors.Is(err, bolt.ErrFull) {
			return fmt.Errorf("a step on a full disk: got %v, want ErrFull or none", err)
		}
		if err := store.Ping(ctx); !errors.Is(err, bolt.ErrFull) {
			return fmt.Errorf("ping on a full disk: got %v, want ErrFull", err)
		}
		if _, err := store.Login(ctx, "login-1", now); err != nil {
			return fmt.Errorf("reading on a full disk: %w", err)
		}
	}
	if os.Getenv("BRYGGA_TEST_FULL_END") == "killed" {
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	if err := growTo(1 << 40); err != nil {
		return err
	}
	if err := errors.Join(store.Ping(ctx), login(20_000), store.Ping(ctx)); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	return store.Close()
}
