package logins_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"brygga/storage/postgres/pgtest"
)

// place is where the store of a benchmark lies: a file, or the only database of a server.
type place struct {
	path, dsn string
	server    *pgtest.Server // nil for a file, and for a database that is kept
	store     fillable
}

// newPlace returns a new place, unless at names one.
func newPlace(b *testing.B, database bool, at string) *place {
	b.Helper()
	switch {
	case !database && at == "":
		return &place{path: filepath.Join(b.TempDir(), "brygga.db")}
	case !database:
		return &place{path: at}
	case at != "":
		return &place{dsn: at}
	}
	server, err := pgtest.Start(pgtest.Options{Settings: map[string]string{
		"shared_buffers": "512MB", "max_wal_size": "1GB", "wal_level": "minimal", "max_wal_senders": "0", "maintenance_work_mem": "256MB",
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { server.Close() })
	return &place{dsn: server.DSN("postgres"), server: server}
}

// open opens the store, after it was closed where it was open.
func (p *place) open(b *testing.B) fillable {
	b.Helper()
	p.close(b)
	if p.dsn != "" {
		p.store, _ = openDatabase(b, p.dsn)
	} else {
		p.store, _ = openFile(b, p.path)
	}
	return p.store
}

func (p *place) close(b *testing.B) {
	b.Helper()
	if p.store == nil {
		return
	}
	if err := p.store.Close(); err != nil {
		b.Fatal(err)
	}
	p.store = nil
}

// settle does what a server of PostgreSQL does by itself within the hour.
func (p *place) settle(b *testing.B) {
	if p.dsn != "" {
		p.query(b, nil, "VACUUM (ANALYZE)")
		p.query(b, nil, "CHECKPOINT")
	}
}

// bytes returns how large the store is.
func (p *place) bytes(b *testing.B) (size int64) {
	b.Helper()
	if p.dsn != "" {
		p.query(b, &size, "SELECT pg_database_size(current_database())")
		return size
	}
	info, err := os.Stat(p.path)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

func (p *place) query(b *testing.B, to any, statement string) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), p.dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if to == nil {
		_, err = conn.Exec(b.Context(), statement)
	} else {
		err = conn.QueryRow(b.Context(), statement).Scan(to)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// chill opens the store anew when the system has forgotten what is in its files, as after a start of the machine.
func (p *place) chill(b *testing.B) fillable {
	b.Helper()
	if p.dsn != "" && p.server == nil {
		b.Fatal("a server that others have started is not stopped")
	}
	files := []string{p.path}
	if p.server != nil {
		var directory string
		p.query(b, &directory, "SHOW data_directory")
		var err error
		if files, err = filepath.Glob(filepath.Join(directory, "base", "*", "*")); err != nil {
			b.Fatal(err)
		}
	}
	p.close(b)
	if p.server != nil {
		if err := p.server.Stop(); err != nil {
			b.Fatal(err)
		}
	}
	for _, file := range files {
		if out, err := exec.Command("dd", "if="+file, "iflag=nocache", "count=0", "status=none").CombinedOutput(); err != nil { // posix_fadvise(2), POSIX_FADV_DONTNEED
			b.Fatalf("%s: %v", out, err)
		}
	}
	if p.server != nil {
		if err := p.server.Restart(); err != nil {
			b.Fatal(err)
		}
	}
	return p.open(b)
}
