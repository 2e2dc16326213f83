package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage/bolt"
)

// A store file belongs to one process. So a client or key command that finds a server on it is run by the server: it sends
// its arguments over a socket in the data directory, which only the owner of the directory can reach, and copies what comes
// back. Whoever can connect could read the store as well, so nobody is asked who they are.

// maxSocketPath is the longest path that a socket may have on all systems.
const maxSocketPath = 100

// controlSilence is how long a server may say nothing before it is given up.
const controlSilence = time.Minute

// maxArguments is how many bytes the arguments of one command may have.
const maxArguments = 16 << 20

type controlRequest struct {
	Args []string `json:"args"`
	User string   `json:"user"`
	// Typed is the line that stood on standard input, for a command that reads one. It may be a secret.
	Typed string `json:"typed,omitempty"`
}

// controlFrame is a piece of output, or, in the last one, the exit code.
type controlFrame struct {
	Out  []byte `json:"out,omitempty"`
	Err  []byte `json:"err,omitempty"`
	Exit *int   `json:"exit,omitempty"`
}

// listenControl returns the listener of the control socket in the data directory. The caller holds the store, so a socket
// that is there already was left behind by a process that is dead.
func listenControl(data string) (net.Listener, error) {
	path := filepath.Join(data, socketFile)
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the path %s is too long for a socket", path)
	}
	fresh := path + ".new"
	for _, old := range []string{path, fresh} {
		if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	listener, err := net.Listen("unix", fresh)
	if err != nil {
		return nil, err
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	// It gets its name only when nobody else can connect any more.
	if err := errors.Join(os.Chmod(fresh, 0o600), os.Rename(fresh, path)); err != nil {
		return nil, errors.Join(err, listener.Close(), os.Remove(fresh))
	}
	return listener, nil
}

// controlHandler runs commands on the parts of this server.
func controlHandler(parts *operator, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/run", func(w http.ResponseWriter, r *http.Request) {
		var request controlRequest
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxArguments)).Decode(&request); err != nil {
			http.Error(w, "not a command: "+err.Error(), http.StatusBadRequest)
			return
		}
		o := *parts
		o.actor = request.User
		frames := &frameWriter{to: json.NewEncoder(w), flush: http.NewResponseController(w).Flush}
		h := &host{out: frames.stream(false), err: frames.stream(true), operator: &o, typed: secret.New(request.Typed)}
		code := run(audit.By(r.Context(), o.actor), request.Args, h)
		frames.send(controlFrame{Exit: &code})
		log.InfoContext(r.Context(), "command", "command", commandName(request.Args, h), "actor", o.actor, "exit", code)
	})
	mux.HandleFunc("POST "+backupPath, func(w http.ResponseWriter, r *http.Request) { serveBackup(w, r, parts, log) })
	return mux
}

// commandName returns the words of a command, such as "client add", without its arguments: they may hold secrets.
func commandName(args []string, h *host) string {
	cmd, _, err := newRoot(h).Find(args)
	if err != nil {
		return "unknown"
	}
	return strings.TrimPrefix(cmd.CommandPath(), "brygga ")
}

// frameWriter writes frames one after the other.
type frameWriter struct {
	mu    sync.Mutex
	to    *json.Encoder
	flush func() error
}

func (f *frameWriter) send(frame controlFrame) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.to.Encode(frame); err != nil {
		return err
	}
	return f.flush()
}

func (f *frameWriter) stream(isError bool) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		frame := controlFrame{Out: bytes.Clone(p)}
		if isError {
			frame = controlFrame{Err: frame.Out}
		}
		return len(p), f.send(frame)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// runInServer has the command of h run by the server that has the store in data.
func runInServer(ctx context.Context, h *host, data string) error {
	response, err := askServer(ctx, data, "/v1/run", controlRequest{Args: h.args, User: currentUser(h), Typed: h.typed.Reveal()})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for frames := json.NewDecoder(response.Body); ; {
		var frame controlFrame
		if err := frames.Decode(&frame); err != nil {
			return fail(exitUnavailable, "look whether the change was made before trying again", "the server broke off: %w", err)
		}
		h.out.Write(frame.Out)
		h.err.Write(frame.Err)
		if frame.Exit != nil {
			if *frame.Exit != exitOK {
				return errExit(*frame.Exit)
			}
			return nil
		}
	}
}

// askServer returns the answer of the server that has the store in data. Reading it ends when the server says nothing for controlSilence.
func askServer(ctx context.Context, data, path string, request controlRequest) (*http.Response, error) {
	socket := filepath.Join(data, socketFile)
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	silence := time.AfterFunc(controlSilence, cancel)
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://brygga"+path, bytes.NewReader(body))
	if err != nil {
		cancel()
		return nil, err
	}
	response, err := client.Do(post)
	if err != nil {
		cancel()
		return nil, fail(exitUnavailable, "run as the user that the server runs as, or stop the process that uses the store",
			"%w, and the server cannot be reached at %s: %w", bolt.ErrLocked, socket, err)
	}
	response.Body = &heardBody{response.Body, silence, cancel}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fail(exitUnavailable, "use the same brygga as the server", "the server refused the command: %s", response.Status)
	}
	return response, nil
}

// heardBody is a body whose reading ends when nothing comes for controlSilence.
type heardBody struct {
	io.ReadCloser
	silence *time.Timer
	cancel  context.CancelFunc
}

func (b *heardBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.silence.Reset(controlSilence)
	}
	return n, err
}

func (b *heardBody) Close() error {
	b.silence.Stop()
	defer b.cancel()
	return b.ReadCloser.Close()
}
