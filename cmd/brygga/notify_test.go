package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"brygga/keys"
)

// TestServiceManagerIsTold: a manager hears that the server is ready, that it reads its configuration again and has done so, and that it
// stops, in that order.
func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, api, _ := serveSim(t, filepath.Join(dir, "sim"))
	issuer := "http://localhost:" + freePort(t)
	configuration := filepath.Join(dir, "brygga.yaml")
	text := strings.NewReplacer("ISSUER", issuer, "PORT", issuer[strings.LastIndex(issuer, ":")+1:], "API", api, "KEY", keys.NewMasterKey().Reveal()).Replace(`
issuer: ISSUER
listen: 127.0.0.1:PORT
admin_listen: 127.0.0.1:0
data: data
master_key: KEY
log: {level: error}
bankid: {environment: custom, url: 'API', root_ca_file: sim/ca.pem, signature_root_file: sim/signature-root.pem, certificate_file: sim/client.pem, key_file: sim/client-key.pem}
`)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	manager, heard := listenManager(t)
	server := startServeWith(t, issuer, configuration, os.Stderr, "NOTIFY_SOCKET="+manager)
	wantHeard(t, heard, `^READY=1$`)
	for range 2 {
		if err := server.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		wantHeard(t, heard, `^RELOADING=1\nMONOTONIC_USEC=[1-9]\d+$`)
		wantHeard(t, heard, `^READY=1$`)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wantHeard(t, heard, `^STOPPING=1$`)
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// TestNoServiceManager: a server that nobody waits for says nothing, and one that cannot reach its manager says so in its log.
func TestNoServiceManager(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	newServiceManager(&host{environ: []string{"NOTIFY_SOCKET="}}, logger).tell(managerReady)
	if log.Len() > 0 {
		t.Errorf("without a manager: %s", log.String())
	}
	gone := filepath.Join(t.TempDir(), "gone")
	newServiceManager(&host{environ: []string{"NOTIFY_SOCKET=" + gone}}, logger).tell(managerReady)
	if !strings.Contains(log.String(), gone) || !strings.Contains(log.String(), managerReady) {
		t.Errorf("with a manager that is gone: %q", log.String())
	}
}

// listenManager listens as a service manager does, and returns its socket and what it hears.
func listenManager(t *testing.T) (socket string, heard <-chan string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "manager") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "notify")
	listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	messages := make(chan string, 16)
	go func() {
		defer close(messages)
		for message := make([]byte, 4096); ; {
			n, err := listener.Read(message)
			if err != nil {
				return
			}
			messages <- string(message[:n])
		}
	}()
	return socket, messages
}

func wantHeard(t *testing.T, heard <-chan string, pattern string) {
	t.Helper()
	select {
	case message := <-heard:
		if !regexp.MustCompile(pattern).MatchString(message) {
			t.Fatalf("the manager was told %q, want %s", message, pattern)
		}
	case <-time.After(patience):
		t.Fatalf("the manager was not told %s", pattern)
	}
}

// TestUnitFits: the unit leaves more time to stop than a server takes, and starts one again unless that helps nobody.
func TestUnitFits(t *testing.T) {
	text, err := os.ReadFile("../../deploy/systemd/brygga.service")
	if err != nil {
		t.Fatal(err)
	}
	setting := func(key string) string {
		found := regexp.MustCompile(`(?m)^` + key + `=(.*)$`).FindStringSubmatch(string(text))
		if found == nil {
			t.Fatalf("the unit says nothing of %s", key)
		}
		return found[1]
	}
	if stop, err := time.ParseDuration(setting("TimeoutStopSec")); err != nil || stop < 2*shutdownTime {
		t.Errorf("TimeoutStopSec is %v (%v), requests alone may take %v", stop, err, shutdownTime)
	}
	if got, want := setting("RestartPreventExitStatus"), fmt.Sprint(exitUsage, exitWrongKey); got != want {
		t.Errorf("RestartPreventExitStatus is %s, want %s", got, want)
	}
	args := strings.Fields(setting("ExecStart"))[1:]
	cmd, rest, err := newRoot(&host{}).Find(args)
	if err != nil || cmd.Name() != "serve" || cmd.ParseFlags(rest) != nil || cmd.Flags().NArg() != 0 {
		t.Errorf("brygga takes no %q: %v", args, err)
	}
}
