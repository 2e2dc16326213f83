package bolt_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
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

// resealChild names the environment variable that makes this test binary the process that seals anew and gets killed.
const resealChild = "BRYGGA_TEST_RESEAL_FILE"

func resealers() (before, next, both storage.Sealer) {
	before, next = storagetest.FixedSealer("before"), storagetest.FixedSealer("next")
	return before, next, storagetest.Replacing(next, before)
}

// resealAll seals the store anew, three records at a time, with logins in between, and writes a line for each call.
func resealAll(path string) error {
	_, _, both := resealers()
	store, err := bolt.Open(path, both, bolt.Options{})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		done, err := store.Reseal(context.Background(), 3)
		if err != nil {
			return err
		}
		if done.Done {
			return store.Close()
		}
		id := fmt.Sprintf("login-%d-%d", os.Getpid(), n)
		if err := loginSteps(context.Background(), store, id, func(int) {}); err != nil {
			return err
		}
		fmt.Println(id)
	}
}

// TestKilledWhileSealingAnew kills the process that seals anew, again and again, until one comes to the end: nothing is lost, the other
// key is needed until then, and not any more afterwards.
func TestKilledWhileSealingAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "brygga.db")
	before, next, _ := resealers()
	store, err := bolt.Open(path, before, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range 60 {
		ids = append(ids, fmt.Sprint("before-", i))
		if err := loginSteps(t.Context(), store, ids[i], func(int) {}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	kills := 0
	for {
		made, ended := killWhileSealing(t, path, 1+random.IntN(12))
		ids = append(ids, made...)
		if ended {
			break
		}
		kills++
		if store, err := bolt.Open(path, before, bolt.Options{}); err == nil {
			store.Close()
			t.Fatal("the store opens without the key of what was sealed anew")
		}
		if store, err := bolt.Open(path, next, bolt.Options{}); err == nil { // the child had done its last step when it was killed, or records are lost
			store.Close()
			break
		}
	}
	if kills == 0 {
		t.Error("nothing was killed: the test proves little")
	}
	if store, err = bolt.Open(path, next, bolt.Options{}); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, id := range ids {
		if _, err := store.Login(t.Context(), id, time.Now().UTC()); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if _, _, err := store.AccessToken(t.Context(), sha256.Sum256([]byte("token"+id)), time.Now().UTC()); err != nil {
			t.Errorf("%s: token: %v", id, err)
		}
	}
}

// killWhileSealing runs the child and kills it after so many lines. It returns the logins that were made, and whether the child had come to
// the end before.
func killWhileSealing(t *testing.T, path string, lines int) (made []string, ended bool) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), resealChild+"="+path)
	var complaints strings.Builder
	child.Stderr = &complaints
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for said := bufio.NewScanner(out); said.Scan(); {
		if made = append(made, said.Text()); len(made) == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = child.Wait()
	if complaints.Len() > 0 {
		t.Fatalf("the child said: %s", complaints.String())
	}
	return made, err == nil
}
