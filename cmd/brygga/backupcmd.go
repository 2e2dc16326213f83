package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"brygga/audit"
	"brygga/storage/bolt"
)

// backupPath is where a server hands out a copy of its store, on the control socket: the bytes of the file.
const backupPath = "/v1/backup"

// backupPatience is how long a server waits for somebody to take the next piece of a copy: while one is made, its file grows.
const backupPatience = 30 * time.Second

func newBackupCommand(h *host) *cobra.Command {
	var where whereFlags
	var to string
	cmd := &cobra.Command{
		Use: "backup", Short: "Copy the store into a file, while the server runs or not", Args: cobra.NoArgs,
		Long: "Copy the store into a new file, of one moment, while the server runs and logs people in, or while none runs. Every record of the copy is\n" +
			"opened before it gets its name. An existing file is not overwritten.\n\n" +
			"The master key is not in it, and nothing reads it without. Keep a copy of that elsewhere. \"brygga help backups\" has the whole drill.",
		Example: "  brygga backup --config /etc/brygga/brygga.yaml --to /backup/brygga-$(date +%F).db\n" +
			"  brygga backup --to - | age -r age1… > brygga.db.age",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := where.findFile(h)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if to == "-" {
				return backupToOutput(ctx, h, in)
			}
			return backupToFile(ctx, h, in, cmp.Or(to, "brygga-"+time.Now().UTC().Format("20060102T150405Z")+".db"))
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "new `file`, or - for standard output; default brygga-TIME.db")
	where.addHere(cmd, h)
	return cmd
}

// findFile returns the installation, whose store is to be a file.
func (f *whereFlags) findFile(h *host) (installation, error) {
	in, err := f.find(h)
	if err == nil && in.postgres.Used() {
		err = fail(exitUsage, "use the database's own tools: see \"brygga help backups\"", "the store of this installation is a PostgreSQL database, and no file")
	}
	return in, err
}

// backup writes a copy of the server's store.
func (s *server) backup(w io.Writer) (int64, error) {
	store, ok := s.store.(*bolt.Store)
	if !ok {
		return 0, errors.New("the store is a database, which has tools of its own for that")
	}
	return store.Backup(w)
}

// backupToOutput leaves it to restore to look at what arrives.
func backupToOutput(ctx context.Context, h *host, in installation) error {
	if out, ok := h.out.(*os.File); ok {
		if info, err := out.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return fail(exitUsage, "give a file with --to, or lead the output into one", "a copy of the store is nothing to look at")
		}
	}
	_, err := copyStore(ctx, h, in, h.out)
	return err
}

func backupToFile(ctx context.Context, h *host, in installation, path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fail(exitConflict, "name another file, or move it away", "%s is there already", path)
	}
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-*") // mode 0600
	if err != nil {
		return fail(exitUsage, "name a file in a directory that this user may write", "%w", err)
	}
	defer os.Remove(part.Name())
	size, err := copyStore(ctx, h, in, part)
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	rows, err := checkFile(h, in, part.Name())
	if err != nil {
		return fmt.Errorf("the copy is no good: %w", err)
	}
	if err := publish(part.Name(), path); err != nil {
		return err
	}
	fmt.Fprintf(h.out, "%s: %s, %d rows, each looked at\n", path, mebibytes(size), rows)
	return nil
}

// publish gives the file its name, unless there is one of that name.
func publish(from, to string) error {
	err := os.Link(from, to)
	if errors.Is(err, fs.ErrExist) {
		return fail(exitConflict, "name another file, or move it away", "%s is there already", to)
	}
	if err != nil { // a file system without links
		if err := os.Rename(from, to); err != nil {
			return err
		}
	}
	directory, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// copyStore writes a copy of the store to w and returns how many bytes it has.
func copyStore(ctx context.Context, h *host, in installation, w io.Writer) (size int64, err error) {
	if _, err := os.Stat(filepath.Join(in.data, storeFile)); err != nil {
		return 0, fail(exitUsage, "name the installation whose store it is", "nothing to back up: %w", err)
	}
	out := &untilDone{ctx, w}
	err = withStore(in, func(store *bolt.Store) error {
		return direct(ctx, h, in, store, func(ctx context.Context, o *operator) (err error) {
			o.backup = store.Backup
			size, err = o.copyTo(ctx, out)
			return err
		})
	}, func() error {
		response, err := askServer(ctx, in.data, backupPath, controlRequest{User: currentUser(h)})
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if size, err = io.Copy(out, response.Body); err != nil {
			return fail(exitUnavailable, "try again, onto a disk that is quicker or has more room; the server's log says more", "the copy broke off after %s: %w", mebibytes(size), err)
		}
		return nil
	})
	return size, err
}

// untilDone writes until the context is done.
type untilDone struct {
	ctx context.Context
	to  io.Writer
}

func (w *untilDone) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.to.Write(p)
}

// copyTo writes a copy of the store to w, and records that somebody has one.
func (o *operator) copyTo(ctx context.Context, w io.Writer) (size int64, err error) {
	if size, err = o.backup(w); err == nil {
		o.audit.Record(ctx, audit.Event{Type: audit.BackupMade, Actor: o.actor, Message: fmt.Sprint(size, " bytes")})
	}
	return size, err
}

// serveBackup hands out a copy. One that breaks off ends without the end that HTTP demands, so that nobody takes it for whole.
func serveBackup(w http.ResponseWriter, r *http.Request, parts *operator, log *slog.Logger) {
	var request controlRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxArguments)).Decode(&request); err != nil {
		http.Error(w, "not a request: "+err.Error(), http.StatusBadRequest)
		return
	}
	o := *parts
	o.actor = request.User
	size, err := o.copyTo(r.Context(), &patientWriter{w, http.NewResponseController(w)})
	if err != nil {
		log.ErrorContext(r.Context(), "backup broke off", "doing", "back up", "actor", o.actor, "bytes", size, "err", err)
		if size == 0 {
			http.Error(w, "no copy can be made", http.StatusServiceUnavailable)
			return
		}
		panic(http.ErrAbortHandler)
	}
	log.InfoContext(r.Context(), "backup", "actor", o.actor, "bytes", size)
}

// patientWriter gives whoever reads backupPatience for each piece.
type patientWriter struct {
	to         io.Writer
	connection *http.ResponseController
}

func (w *patientWriter) Write(p []byte) (int, error) {
	if err := w.connection.SetWriteDeadline(time.Now().Add(backupPatience)); err != nil {
		return 0, err
	}
	return w.to.Write(p)
}
