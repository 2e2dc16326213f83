package bolt_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

// crashChild names the environment variables that make this test binary the process that gets killed.
const crashChild, crashRound = "BRYGGA_TEST_CRASH_FILE", "BRYGGA_TEST_CRASH_ROUND"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashChild); path != "" {
		fmt.Fprintln(os.Stderr, logInForEver(path, os.Getenv(crashRound)))
		os.Exit(1)
	}
	if path := os.Getenv(resealChild); path != "" {
		if err := resealAll(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if path := os.Getenv(fullChild); path != "" {
		if err := fillDisk(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// logInForEver makes logins from many goroutines and writes a line "ID step" for each step that the store has acknowledged. It
// ends when standard input ends, or when it is killed.
func logInForEver(path, round string) error {
	store, err := bolt.Open(path, storagetest.FixedSealer("crash"), bolt.Options{})
	if err != nil {
		return err
	}
	for worker := range 16 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("login-%s-%d-%d", round, worker, n)
				if err := loginSteps(context.Background(), store, id, func(step int) { fmt.Fprintf(os.Stdout, "%s %d\n", id, step) }); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
			}
		}()
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// TestKilledProcessLosesNothing kills a process with SIGKILL while it writes, three times on the same file, and looks for every
// step that it had acknowledged.
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "brygga.db")
	acknowledged := map[string]int{}
	for round := range 3 {
		before := len(acknowledged)
		killMidway(t, path, round, 400, acknowledged)
		if len(acknowledged) == before {
			t.Fatal("the child did nothing")
		}
		store, err := bolt.Open(path, storagetest.FixedSealer("crash"), bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		unfinished := 0
		for id, step := range acknowledged {
			checkStep(t, store, id, step)
			if step < stepAnswered {
				unfinished++
			}
		}
		if unfinished == 0 {
			t.Error("the kill came when no login was under way: it proves little")
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := bolt.CheckRecords(path, storagetest.FixedSealer("crash"), time.Now(), func(f bolt.Fault) { t.Error(f) }); err != nil {
			t.Error(err)
		}
	}
}

// killMidway runs the child, kills it after it has acknowledged some steps, and adds all that it did acknowledge.
func killMidway(t *testing.T, path string, round, steps int, acknowledged map[string]int) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashChild+"="+path, fmt.Sprintf("%s=%d", crashRound, round))
	var complaints strings.Builder
	child.Stderr = &complaints
	if _, err := child.StdinPipe(); err != nil { // ends with this process
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	read := 0
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // the child is dead; a line without an end was not acknowledged
		}
		var id string
		var step int
		if _, err := fmt.Sscan(line, &id, &step); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		acknowledged[id] = step
		if read++; read == steps {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	child.Wait()
	if read < steps {
		t.Fatalf("the child ended by itself after %d steps: %s", read, complaints.String())
	}
}

// checkStep demands that the store knows all that the login's step has done.
func checkStep(t *testing.T, store storage.Store, id string, step int) {
	t.Helper()
	now := time.Now().UTC()
	login, err := store.Login(t.Context(), id, now)
	if err != nil {
		t.Fatalf("%s, step %d: %v", id, step, err)
	}
	durable := min(step, stepAnswered)
	if step == stepHinted { // it is kept in memory until the next step of its login, or for a while
		durable--
	}
	if login.Revision < uint64(durable) {
		t.Errorf("%s, step %d: the login has revision %d", id, step, login.Revision)
	}
	if (login.State == storage.LoginComplete) != (login.Identity != nil) {
		t.Errorf("%s, step %d: torn: state %s", id, step, login.State)
	}
	redemption := storage.Redemption{CodeHash: sha256.Sum256([]byte("code" + id)), ClientID: "app", RedirectURI: "wrong", Now: now}
	_, err = store.RedeemCode(t.Context(), redemption)
	var reused *storage.CodeReusedError
	switch {
	case login.State != storage.LoginAnswered:
		if !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s, step %d: an unanswered login has a code: %v", id, step, err)
		}
	case !errors.As(err, &reused) && (step == stepRedeemed || !errors.Is(err, storage.ErrMismatch)):
		t.Errorf("%s, step %d: the code of the answer is gone: %v", id, step, err)
	}
	if step == stepRedeemed {
		if _, _, err := store.AccessToken(t.Context(), sha256.Sum256([]byte("token"+id)), now); err != nil {
			t.Errorf("%s: token: %v", id, err)
		}
	}
}
