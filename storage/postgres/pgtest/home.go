package pgtest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// home is a temporary directory that servers live in, and who they run as.
type home struct {
	programs string // where initdb and the others are
	dir      string
	as       *syscall.Credential // nil for the user of this process

	watcher *exec.Cmd
	leash   io.Closer // all that lives here ends when it is closed
}

func newHome() (*home, error) {
	h := new(home)
	var err error
	if h.programs, err = programs(); err != nil {
		return nil, err
	}
	if h.as, err = unprivileged(); err != nil {
		return nil, err
	}
	if h.dir, err = os.MkdirTemp("", "pgtest"); err != nil {
		return nil, err
	}
	if err := errors.Join(h.own(h.dir), h.watch()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(h.dir))
	}
	return h, nil
}

// programs returns the directory of the newest PostgreSQL that Debian has installed.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.Join(errors.New("pgtest: PostgreSQL is not installed: run make needs, or name a server in "+Variable), err)
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
	return filepath.Dir(newest), nil
}

// unprivileged returns who a server runs as.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("pgtest: PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// watcher waits until its standard input is closed, which the kernel does for those who are killed. Then it ends what has the home or a data
// directory in it as its working directory, and removes the home. The servers are stopped by their own program, as they leave shared memory
// behind when they are killed.
const watcher = `
trap '' INT TERM HUP
cat >/dev/null
end() {
	for process in /proc/[0-9]*; do
		case $(readlink "$process/cwd") in $1) kill -KILL "${process#/proc/}" ;; esac
	done 2>/dev/null
}
end "$2"
for data in "$2/data" "$2"/*/data; do [ ! -e "$data/postmaster.pid" ] || "$1" stop --pgdata="$data" --mode=immediate --silent; done
end "$2/*"
rm -rf -- "$2"`

// watch starts the watcher.
func (h *home) watch() error {
	h.watcher = h.command("/bin/sh", "-c", watcher, "sh", filepath.Join(h.programs, "pg_ctl"), h.dir)
	h.watcher.Dir = "/"
	leash, err := h.watcher.StdinPipe()
	if err != nil {
		return err
	}
	h.leash = leash
	return h.watcher.Start()
}

// command returns a command that runs as the servers do, and that signals from a terminal do not reach.
func (h *home) command(name string, arguments ...string) *exec.Cmd {
	c := exec.Command(name, arguments...)
	c.Dir = h.dir
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: h.as, Setpgid: true}
	return c
}

// run runs a program of PostgreSQL.
func (h *home) run(program string, arguments ...string) error {
	if output, err := h.command(filepath.Join(h.programs, program), arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: %s: %w\n%s", program, err, output)
	}
	return nil
}

// write puts a file into the home that the servers alone may read.
func (h *home) write(name string, content []byte) error {
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return h.own(path)
}

// own gives what is there to the user that the servers run as.
func (h *home) own(path string) error {
	if h.as == nil {
		return nil
	}
	return os.Chown(path, int(h.as.Uid), int(h.as.Gid))
}

// killPostmaster kills the server of a data directory and waits until its sessions have ended, too, which they do by themselves.
func killPostmaster(data string) error {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	id, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
		return err
	}
	for range 1000 {
		if !working(data) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("pgtest: sessions have outlived their server")
}

// working reports whether a process has the working directory, as all those of a server have its data directory.
func working(dir string) bool {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	return slices.ContainsFunc(links, func(link string) bool {
		at, err := os.Readlink(link)
		return err == nil && at == dir
	})
}

// Close ends all that lives in the home and removes it.
func (h *home) Close() error {
	h.leash.Close()
	if err := h.watcher.Wait(); err != nil {
		return fmt.Errorf("pgtest: remove %s: %w", h.dir, err)
	}
	return nil
}
