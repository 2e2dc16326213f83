// Package pgtest gives tests PostgreSQL databases of their own, on servers that it starts itself from Debian's package postgresql.
//
// A server lives in a temporary directory and runs as the user postgres when the test runs as root, else as the test's own user. It ends, and
// its directory goes, with the process that started it, however that process ends.
package pgtest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"brygga/freeport"
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
	*home
	port     int
	password string
}

// settings of every server; Options.Settings win.
var settings = map[string]string{
	"listen_addresses": "127.0.0.1", "max_connections": "200", "max_prepared_transactions": "0", "log_line_prefix": "%m [%p] %a ",
	"shared_buffers": "64MB", "fsync": "off", "full_page_writes": "off", "max_wal_size": "512MB",
}

// Start starts a server. Passwords are asked for, and its collation is Swedish, so that an order of bytes is had by those alone who ask for
// it. The caller closes it.
func Start(o Options) (*Server, error) {
	h, err := newHome()
	if err != nil {
		return nil, err
	}
	s := &Server{home: h, password: rand.Text()}
	if err := s.begin(o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// begin makes the data directory and starts the server.
func (s *Server) begin(o Options) error {
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
		var err error
		if s.port, err = freeport.Take(); err != nil {
			return err
		}
		if err := s.configure(o); err != nil {
			return err
		}
		if err := s.Restart(); err == nil || try == 3 {
			return err
		}
	}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

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

// Stop ends every session and the server. Its data and its port stay for Restart.
func (s *Server) Stop() error {
	return s.run("pg_ctl", "stop", "--pgdata="+s.data(), "--mode=fast", "--wait", "--silent")
}

// Kill ends the server with SIGKILL, as a crash does, and waits until its sessions have ended, too.
func (s *Server) Kill() error {
	if err := killPostmaster(s.data()); err != nil {
		return err
	}
	// The number of a process may be taken until its parent has asked for it, and the server would believe that it runs.
	return errors.Join(os.Remove(filepath.Join(s.data(), "postmaster.pid")), os.Remove(filepath.Join(s.dir, fmt.Sprintf(".s.PGSQL.%d.lock", s.port))))
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

// CPU returns how long the server's processes have computed, in their own code and in the kernel. Sessions that have ended do not count.
func (s *Server) CPU() (time.Duration, error) {
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		return 0, err
	}
	var all time.Duration
	for _, link := range links {
		if at, err := os.Readlink(link); err != nil || at != s.data() {
			continue
		}
		used, err := CPU(filepath.Base(filepath.Dir(link)))
		if err != nil {
			return 0, err
		}
		all += used
	}
	return all, nil
}

// CPU returns how long the process of that number has computed.
func CPU(process string) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join("/proc", process, "stat"))
	if err != nil {
		return 0, err
	}
	_, fields, _ := strings.Cut(string(text), ") ") // of its name, which may hold anything
	var ticks int64
	for _, field := range strings.Fields(fields)[11:13] { // utime and stime, see proc(5)
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
