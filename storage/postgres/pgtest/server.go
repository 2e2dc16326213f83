// Package pgtest gives tests PostgreSQL databases of their own, on servers that it starts itself from Debian's package postgresql.
//
// A server lives in a temporary directory and runs as the user postgres when the test runs as root, else as the test's own user. It ends, and
// its directory goes, with the process that started it, however that process ends.
package pgtest

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/url"
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

// Options configures Start. The zero value is fine.
type Options struct {
	// Durable has the server wait for its disk at every commit, as in production. Without it a server that is killed keeps what it has
	// committed, but a machine that loses its power may not.
	Durable bool
	// Settings are put into postgresql.conf and win over those of this package.
	Settings map[string]string
	// Files are put into the data directory, readable by the server alone: a certificate and its key, or another pg_hba.conf.
	Files map[string][]byte
}

// Server is a PostgreSQL server on a loopback port and a Unix socket. Its methods are safe for concurrent use, but Stop, Kill, Restart and
// Close come one after the other.
type Server struct {
	programs string // where initdb and the others are
	dir      string // holds the data, the socket and the log
	port     int
	password string
	as       *syscall.Credential

	watcher *exec.Cmd
	leash   io.Closer // the server ends when it is closed
}

// settings of every server; Options.Settings win.
var settings = map[string]string{
	"listen_addresses": "127.0.0.1", "max_connections": "200", "max_prepared_transactions": "0", "log_line_prefix": "%m [%p] %a ",
	"shared_buffers": "64MB", "fsync": "off", "full_page_writes": "off", "max_wal_size": "512MB",
}

// Start starts a server. Passwords are asked for, and its collation is Swedish, so that an order of bytes is had by those alone who ask for
// it. The caller closes it.
func Start(o Options) (*Server, error) {
	s := &Server{password: rand.Text()}
	var err error
	if s.programs, err = programs(); err != nil {
		return nil, err
	}
	if s.as, err = unprivileged(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "pgtest"); err != nil {
		return nil, err
	}
	if err := s.begin(o); err != nil {
		return nil, errors.Join(err, s.Close(), os.RemoveAll(s.dir))
	}
	return s, nil
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

// unprivileged returns who the server runs as, nil for the user of this process.
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

// begin makes the data directory and starts the server.
func (s *Server) begin(o Options) error {
	if s.as != nil {
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return err
		}
	}
	if err := s.watch(); err != nil {
		return err
	}
	if err := s.write("password", []byte(s.password)); err != nil {
		return err
	}
	if err := s.run("initdb", "--pgdata="+s.data(), "--username=postgres", "--auth=scram-sha-256", "--pwfile="+filepath.Join(s.dir, "password"),
		"--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=sv", "--no-sync", "--no-instructions"); err != nil {
		return err
	}
	for name, content := range o.Files {
		if err := s.write(filepath.Join("data", name), content); err != nil {
			return err
		}
	}
	for try := 1; ; try++ {
		s.port = freePort()
		if err := s.configure(o); err != nil {
			return err
		}
		if err := s.Restart(); err == nil || try == 3 {
			return err
		}
	}
}

// watcher ends the server and removes its directory when its standard input is closed, which the kernel does for those who are killed.
const watcher = `trap '' INT TERM HUP; cat >/dev/null; "$1" stop --pgdata="$2/data" --mode=immediate --silent; rm -rf -- "$2"`

// watch starts the watcher.
func (s *Server) watch() error {
	s.watcher = s.command("/bin/sh", "-c", watcher, "sh", filepath.Join(s.programs, "pg_ctl"), s.dir)
	s.watcher.Dir = "/"
	leash, err := s.watcher.StdinPipe()
	if err != nil {
		return err
	}
	s.leash = leash
	return s.watcher.Start()
}

// command returns a command that runs as the server does, and that signals from a terminal do not reach.
func (s *Server) command(name string, arguments ...string) *exec.Cmd {
	c := exec.Command(name, arguments...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	return c
}

func (s *Server) run(program string, arguments ...string) error {
	if output, err := s.command(filepath.Join(s.programs, program), arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: %s: %w\n%s", program, err, output)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// write puts a file into the server's directory that the server alone may read.
func (s *Server) write(name string, content []byte) error {
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil || s.as == nil {
		return err
	}
	return os.Chown(path, int(s.as.Uid), int(s.as.Gid))
}

// configure writes the settings.
func (s *Server) configure(o Options) error {
	text := new(strings.Builder)
	set := func(all map[string]string) {
		for name, value := range all {
			fmt.Fprintf(text, "%s = '%s'\n", name, strings.ReplaceAll(value, "'", "''"))
		}
	}
	set(settings)
	set(map[string]string{"port": strconv.Itoa(s.port), "unix_socket_directories": s.dir})
	if o.Durable {
		set(map[string]string{"fsync": "on", "full_page_writes": "on"})
	}
	set(o.Settings) // of several values the last one holds
	return s.write(filepath.Join("data", "postgresql.conf"), []byte(text.String()))
}

// freePort returns a port that nobody listens on, of those that the kernel does not give to outgoing connections.
func freePort() int {
	for {
		port := 20000 + mathrand.IntN(12000)
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			l.Close()
			return port
		}
	}
}

// Stop ends every session and the server. Its data and its port stay for Restart.
func (s *Server) Stop() error {
	return s.run("pg_ctl", "stop", "--pgdata="+s.data(), "--mode=fast", "--wait", "--silent")
}

// Kill ends the server with SIGKILL, as a crash does, and waits until its sessions have ended, too.
func (s *Server) Kill() error {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
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
		if !s.running() {
			// The number of a process may be taken until its parent has asked for it, and the server would believe that it runs.
			return errors.Join(os.Remove(filepath.Join(s.data(), "postmaster.pid")), os.Remove(filepath.Join(s.dir, fmt.Sprintf(".s.PGSQL.%d.lock", s.port))))
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("pgtest: sessions have outlived their server")
}

// running reports whether a process of the server is there. All of them have the data directory as their working directory.
func (s *Server) running() bool {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	return slices.ContainsFunc(links, func(link string) bool {
		dir, err := os.Readlink(link)
		return err == nil && dir == s.data()
	})
}

// Restart starts a server that was stopped or killed, and returns when it takes connections.
func (s *Server) Restart() error {
	err := s.run("pg_ctl", "start", "--pgdata="+s.data(), "--wait", "--timeout=120", "--silent", "--log="+filepath.Join(s.dir, "log"))
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("%w%s", err, log)
	}
	return nil
}

// DSN returns the connection string of a database over TCP, as its owner, who may do everything.
func (s *Server) DSN(database string) string {
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", s.password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return address.String()
}

// SocketDSN returns the connection string of a database over the Unix socket, in the words of libpq.
func (s *Server) SocketDSN(database string) string {
	return fmt.Sprintf("host=%s port=%d user=postgres password=%s dbname=%s", s.dir, s.port, s.password, database)
}

// Close ends the server and removes all that it had.
func (s *Server) Close() error {
	if s.leash == nil {
		return nil
	}
	s.leash.Close()
	if err := s.watcher.Wait(); err != nil {
		return fmt.Errorf("pgtest: remove the server: %w", err)
	}
	return nil
}
