package main

import (
	"encoding/pem"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"brygga/evidence"
)

// TestVerifyFarFromTheServer runs the command as a stranger would years later: another user, an empty directory, no environment, no network.
func TestVerifyFarFromTheServer(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "stranger")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "brygga")
	copyTo(t, program, executable, 0o755)
	copyTo(t, filepath.Join(dir, "kept.evidence"), "../../evidence/testdata/signature-1.evidence", 0o644)
	text, err := os.ReadFile(filepath.Join(dir, "kept.evidence"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := evidence.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Record.Root})
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "root.pem"), root, 0o644), os.Chmod(dir, 0o555)); err != nil {
		t.Fatal(err)
	}
	out, err := farAway(t, dir, program, "evidence", "verify", "kept.evidence", "--root", "root.pem", "--key", f.Proof.Key)
	if err != nil || !strings.HasSuffix(out, "ok: no check refuses this evidence\n") {
		t.Fatalf("got %v and\n%s", err, out)
	}
}

// farAway runs a program in a directory as another user without a network, as far as this user may do so.
func farAway(t *testing.T, dir, program string, args ...string) (string, error) {
	t.Helper()
	var out []byte
	var err error
	for _, as := range []*syscall.SysProcAttr{
		{Cloneflags: syscall.CLONE_NEWNET, Credential: &syscall.Credential{Uid: 65534, Gid: 65534}},
		{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET, UidMappings: []syscall.SysProcIDMap{{ContainerID: 65534, HostID: os.Getuid(), Size: 1}}},
		{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}, // containers often forbid new networks
		{},
	} {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env, cmd.SysProcAttr = dir, []string{}, as
		if out, err = cmd.CombinedOutput(); !errors.Is(err, os.ErrPermission) && !errors.Is(err, syscall.EINVAL) {
			break
		}
	}
	return string(out), err
}

func copyTo(t *testing.T, to, from string, mode os.FileMode) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, mode)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close(), os.Chmod(to, mode), os.Chmod(filepath.Dir(to), 0o755)); err != nil {
		t.Fatal(err)
	}
}
