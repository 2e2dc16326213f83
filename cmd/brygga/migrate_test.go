package main

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"brygga/keys"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// populated returns the path of a store file with n records of every kind in every state.
func populated(t *testing.T, sealer storage.Sealer, n int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), storeFile)
	if err := openFileStore(t, path, sealer).Close(); err != nil {
		t.Fatal(err)
	}
	// As if it were a copy, so that it has forgotten what came before.
	store, err := bolt.Open(path, sealer, bolt.Options{Accept: true, Now: storagetest.PopulatedAt})
	if err != nil {
		t.Fatal(err)
	}
	storagetest.Populate(t, store, n)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func openFileStore(t *testing.T, path string, sealer storage.Sealer) *bolt.Store {
	t.Helper()
	store, err := bolt.Open(path, sealer, bolt.Options{Unfinished: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func openOutgoing(t *testing.T, path string, sealer storage.Sealer) *bolt.Outgoing {
	t.Helper()
	file, err := bolt.OpenOutgoing(path, sealer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func openTarget(t *testing.T, dsn string, sealer storage.Sealer) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), dsn, sealer, postgres.Options{Node: postgres.FillingNode, Unfinished: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func migrated(t *testing.T, from storage.Source, to storage.Target) storage.Progress {
	t.Helper()
	done, err := storage.Migrate(t.Context(), from, to, storagetest.PopulatedAt(), func(storage.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// TestMigrateThereAndBack: a store of every kind of record in every state says and does the same after it was moved to PostgreSQL, and after
// it was moved back.
func TestMigrateThereAndBack(t *testing.T) {
	t.Parallel()
	const n = 40 // more than one batch
	sealer := storagetest.NewSealer()
	path, dsn := populated(t, sealer, n), pgtest.Database(t)
	database := openTarget(t, dsn, sealer)
	source := openOutgoing(t, path, sealer)
	began := time.Now()
	there := migrated(t, source, database)
	t.Logf("%d records in %s", there.Copied, time.Since(began))
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	backPath := filepath.Join(t.TempDir(), storeFile)
	file := openFileStore(t, backPath, sealer)
	back := migrated(t, database, file)
	if there != back || there.Copied != there.Compared || there.Copied < 30*n {
		t.Errorf("there %+v, back %+v", there, back)
	}
	if err := errors.Join(database.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	faults := 0
	if _, err := bolt.CheckRecords(backPath, sealer, storagetest.PopulatedAt(), func(fault bolt.Fault) {
		faults++
		t.Error(fault)
	}); err != nil {
		t.Fatal(err)
	}

	server, err := postgres.Open(t.Context(), dsn, sealer, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	want := storagetest.Answers(t, openFileStore(t, path, sealer), n)
	if diff := cmp.Diff(want, storagetest.Answers(t, server, n)); diff != "" {
		t.Errorf("in PostgreSQL (-file +database):\n%s", diff)
	}
	if diff := cmp.Diff(want, storagetest.Answers(t, openFileStore(t, backPath, sealer), n)); diff != "" {
		t.Errorf("moved back (-before +after):\n%s", diff)
	}
}

// TestMigrateRefuses: a target that holds anything is left alone, a source that is used or was changed is not taken for whole, and nobody
// opens what is half filled.
func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	sealer := storagetest.NewSealer()
	path := populated(t, sealer, 1)
	fill := func(from storage.Source, to storage.Target) error {
		_, err := storage.Migrate(t.Context(), from, to, storagetest.PopulatedAt(), func(storage.Progress) {})
		return err
	}
	source := openOutgoing(t, path, sealer)

	dsn := pgtest.Database(t)
	target := openTarget(t, dsn, sealer)
	if _, err := target.SecretOrCreate(t.Context(), "subject", []byte("value")); err != nil {
		t.Fatal(err)
	}
	if err := fill(source, target); !errors.Is(err, storage.ErrHolds) {
		t.Errorf("a database with one secret: %v", err)
	}
	file := openFileStore(t, filepath.Join(t.TempDir(), storeFile), sealer)
	client := storage.Client{ID: "app"}
	if err := errors.Join(file.CreateClient(t.Context(), client), file.RemoveClient(t.Context(), "app", storagetest.PopulatedAt())); err != nil {
		t.Fatal(err)
	}
	if err := fill(source, file); !errors.Is(err, storage.ErrHolds) {
		t.Errorf("a file that had a client: %v", err)
	}

	target = openTarget(t, pgtest.Database(t), sealer)
	if err := errors.Join(target.CreateClient(t.Context(), client), target.RemoveClient(t.Context(), "app", storagetest.PopulatedAt())); err != nil {
		t.Fatal(err)
	}
	if err := fill(source, target); !errors.Is(err, storage.ErrHolds) {
		t.Errorf("a database that had a client: %v", err)
	}

	dsn = pgtest.Database(t)
	target = openTarget(t, dsn, sealer)
	server, err := postgres.Open(t.Context(), dsn, sealer, postgres.Options{Node: "server-1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(source, target); !errors.Is(err, storage.ErrInUse) || !strings.Contains(err.Error(), "server-1") {
		t.Errorf("a target with a server on it: %v", err)
	}
	if err := fill(target, openFileStore(t, filepath.Join(t.TempDir(), storeFile), sealer)); !errors.Is(err, storage.ErrInUse) {
		t.Errorf("a source with a server on it: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}

	halfWay := errors.New("half way")
	if err := fill(&brokenOff{Source: source, after: 1, err: halfWay}, target); !errors.Is(err, halfWay) {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), dsn, sealer, postgres.Options{}); !errors.Is(err, storage.ErrUnfinished) {
		t.Errorf("a server on a half filled database: %v", err)
	}
	if err := fill(openOutgoing(t, populated(t, sealer, 1), sealer), target); !errors.Is(err, storage.ErrOtherSource) {
		t.Errorf("from another store: %v", err)
	}
	if err := fill(source, target); err != nil {
		t.Errorf("once more: %v", err)
	}
	if done, err := storage.Migrate(t.Context(), source, target, storagetest.PopulatedAt().Add(time.Hour), nil); err != nil || !done.Before.Equal(storagetest.PopulatedAt()) {
		t.Errorf("when all is there: %+v, %v", done, err)
	}
	if err := fill(openOutgoing(t, populated(t, sealer, 1), sealer), target); !errors.Is(err, storage.ErrHolds) {
		t.Errorf("from another store when all is there: %v", err)
	}

	halfPath := filepath.Join(t.TempDir(), storeFile)
	half := openFileStore(t, halfPath, sealer)
	if err := fill(&brokenOff{Source: target, after: 1, err: halfWay}, half); !errors.Is(err, halfWay) {
		t.Fatal(err)
	}
	if err := half.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(halfPath, sealer, bolt.Options{}); !errors.Is(err, storage.ErrUnfinished) {
		t.Errorf("a server on a half filled file: %v", err)
	}
	if _, err := bolt.OpenOutgoing(halfPath, sealer); !errors.Is(err, storage.ErrUnfinished) {
		t.Errorf("from a half filled file: %v", err)
	}
	if err := fill(target, openFileStore(t, halfPath, sealer)); err != nil {
		t.Errorf("once more: %v", err)
	}
}

// brokenOff is a source that ends with an error after so many batches.
type brokenOff struct {
	storage.Source
	after int
	err   error
}

func (b *brokenOff) Export(ctx context.Context, after storage.Position, now time.Time, limit int) ([]storage.Entry, error) {
	if b.after--; b.after < 0 {
		return nil, b.err
	}
	return b.Source.Export(ctx, after, now, min(limit, 1<<20))
}

// TestMigrateSeesServers: a server that starts on the source while it is read out, at whatever point, is one too many.
func TestMigrateSeesServers(t *testing.T) {
	t.Parallel()
	sealer := storagetest.NewSealer()
	dsn := pgtest.Database(t)
	migrated(t, openOutgoing(t, populated(t, sealer, 1), sealer), openTarget(t, dsn, sealer))
	for _, reads := range []int{0, 1} { // while records are copied, and while they are compared
		var server *postgres.Store
		source := &interrupted{Store: openTarget(t, dsn, sealer), do: func(read int) (err error) {
			switch read {
			case reads:
				server, err = postgres.Open(t.Context(), dsn, sealer, postgres.Options{})
			case reads + 1:
				err = server.Close()
			}
			return err
		}}
		file := openFileStore(t, filepath.Join(t.TempDir(), storeFile), sealer)
		_, err := storage.Migrate(t.Context(), source, file, storagetest.PopulatedAt(), func(storage.Progress) {})
		if !errors.Is(err, storage.ErrInUse) {
			t.Errorf("after %d reads: %v", reads, err)
		}
		if server == nil {
			t.Fatal("no server was started")
		}
		if err := server.Close(); err != nil && !errors.Is(err, postgres.ErrClosed) {
			t.Fatal(err)
		}
	}
}

// interrupted is a source with which something happens before it is read, each time.
type interrupted struct {
	*postgres.Store
	reads int
	do    func(read int) error
}

func (i *interrupted) Export(ctx context.Context, after storage.Position, now time.Time, limit int) ([]storage.Entry, error) {
	if err := i.do(i.reads); err != nil {
		return nil, err
	}
	i.reads++
	return i.Store.Export(ctx, after, now, limit)
}

// TestMigrateTwice: a batch that is stored again, as its outcome was lost, is there once.
func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	sealer := storagetest.NewSealer()
	source := openOutgoing(t, populated(t, sealer, 1), sealer)
	for name, target := range map[string]storage.Target{
		"database": openTarget(t, pgtest.Database(t), sealer), "file": openFileStore(t, filepath.Join(t.TempDir(), storeFile), sealer),
	} {
		done, err := storage.Migrate(t.Context(), source, &twice{target}, storagetest.PopulatedAt(), func(storage.Progress) {})
		if err != nil || done.Copied != done.Compared {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
	}
}

type twice struct{ storage.Target }

func (d *twice) Import(ctx context.Context, entries []storage.Entry, reached storage.Migration) error {
	return errors.Join(d.Target.Import(ctx, entries, reached), d.Target.Import(ctx, entries, reached))
}

// TestMigrateSealsAnew: what the source has sealed with a key of before needs the master key alone in the target.
func TestMigrateSealsAnew(t *testing.T) {
	t.Parallel()
	before, key := storagetest.NewSealer(), storagetest.NewSealer()
	path, dsn := populated(t, before, 1), pgtest.Database(t)
	both := storagetest.Replacing(key, before)
	target := openTarget(t, dsn, both)
	source := openOutgoing(t, path, both)
	migrated(t, source, target)
	if err := errors.Join(source.Close(), target.Close()); err != nil {
		t.Fatal(err)
	}
	sameStores(t, openOutgoing(t, path, before), openTarget(t, dsn, key))
}

// TestMigrateFindsChanges: a record that was changed in the source, or in the target before all was compared, is found, whatever its kind.
func TestMigrateFindsChanges(t *testing.T) {
	t.Parallel()
	sealer := storagetest.NewSealer()
	path := populated(t, sealer, 1)
	changes := map[string]error{
		`UPDATE login_requests SET body = set_byte(body, 20, get_byte(body, 20) # 1) WHERE id LIKE 'open%'`: storage.ErrUnreadable,
		`UPDATE logins SET body = set_byte(body, 20, get_byte(body, 20) # 1) WHERE id LIKE 'open%'`:         storage.ErrUnreadable,
		`UPDATE grants SET body = set_byte(body, 20, get_byte(body, 20) # 1) WHERE id LIKE 'redeemed%'`:     storage.ErrUnreadable,
		`UPDATE sessions SET body = set_byte(body, 20, get_byte(body, 20) # 1)`:                             storage.ErrUnreadable,
		`UPDATE logout_notices SET body = set_byte(body, 20, get_byte(body, 20) # 1)`:                       storage.ErrUnreadable,
		`UPDATE pushed_requests SET body = set_byte(body, 20, get_byte(body, 20) # 1)`:                      storage.ErrUnreadable,
		`UPDATE secrets SET body = set_byte(body, 20, get_byte(body, 20) # 1) WHERE name = 'subject'`:       storage.ErrUnreadable,
		`UPDATE signing_keys SET body = set_byte(body, 20, get_byte(body, 20) # 1)`:                         storage.ErrUnreadable,
		`UPDATE codes SET spent = NULL`:                                         storage.ErrDiffers,
		`UPDATE codes SET kept = kept + INTERVAL '1 second'`:                    storage.ErrDiffers,
		`UPDATE access_tokens SET expires = expires + INTERVAL '1 microsecond'`: storage.ErrDiffers,
		`UPDATE refresh_tokens SET next = NULL WHERE generation = 1`:            storage.ErrDiffers,
		`SELECT 1`: nil,
		`UPDATE grants SET generation = generation + 1`:                                                         storage.ErrDiffers,
		`UPDATE grants SET session = NULL, sid = NULL WHERE id LIKE 'served%'`:                                  storage.ErrDiffers,
		`UPDATE clients SET generation = generation + 1`:                                                        storage.ErrDiffers,
		`UPDATE logout_notices SET attempts = attempts + 1`:                                                     storage.ErrDiffers,
		`UPDATE audit_events SET body = jsonb_set(body, '{type}', '"X"')`:                                       storage.ErrDiffers,
		`UPDATE signing_keys SET revision = revision + 1`:                                                       storage.ErrDiffers,
		`SELECT setval('client_generations', 99)`:                                                               storage.ErrDiffers,
		`DELETE FROM used_once`:                                                                                 storage.ErrDiffers,
		`DELETE FROM audit_events WHERE id LIKE 'event%'`:                                                       storage.ErrDiffers,
		`INSERT INTO used_once (key, expires) VALUES (decode(repeat('00', 32), 'hex'), '2100-01-01T00:00:00Z')`: storage.ErrDiffers,
		`UPDATE installation SET value = decode('0000000000000001', 'hex') WHERE name = 'forgotten'`:            storage.ErrDiffers,
		`DELETE FROM installation WHERE name = 'forgotten'`:                                                     storage.ErrDiffers,
	}
	source := openOutgoing(t, path, sealer)
	fill := func(from storage.Source, to storage.Target) error {
		_, err := storage.Migrate(t.Context(), from, to, storagetest.PopulatedAt(), func(storage.Progress) {})
		return err
	}
	uncompared := func(dsn string) error {
		target, err := postgres.Open(context.Background(), dsn, sealer, postgres.Options{Node: postgres.FillingNode, Unfinished: true})
		if err != nil {
			return err
		}
		if err := fill(&brokenOff{Source: source, after: 1, err: context.Canceled}, target); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("filled: %w", err)
		}
		return target.Close()
	}
	for change, want := range changes {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Copy(t, "migrated", uncompared)
			conn, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			_, err = conn.Exec(t.Context(), change)
			if err := errors.Join(err, conn.Close(t.Context())); err != nil {
				t.Fatal(change, err)
			}
			target := openTarget(t, dsn, sealer)
			if err := fill(source, target); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", change, err, want)
			}
			if want != nil {
				if _, err := postgres.Open(t.Context(), dsn, sealer, postgres.Options{}); !errors.Is(err, storage.ErrUnfinished) {
					t.Errorf("%s: and a server starts: %v", change, err)
				}
			}
			if errors.Is(want, storage.ErrUnreadable) { // the same in a source
				if err := fill(target, openFileStore(t, filepath.Join(t.TempDir(), storeFile), sealer)); !errors.Is(err, want) {
					t.Errorf("%s, as a source: got %v, want %v", change, err, want)
				}
			}
		})
	}
}

// TestMigrateKilled: a migration that is killed again and again, in either direction, is whole at the end.
func TestMigrateKilled(t *testing.T) {
	t.Parallel()
	dir, dsn := t.TempDir(), pgtest.Database(t)
	key := keys.NewMasterKey()
	sealer, err := newSealer(key, secret.String{})
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	path := filepath.Join(data, storeFile)
	store := openFileStore(t, path, sealer)
	storagetest.Populate(t, store, 60)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	configuration := filepath.Join(dir, "brygga.yaml")
	text := fmt.Sprintf("issuer: http://localhost:%s\nlisten: 127.0.0.1:0\ndata: data\nmaster_key: %s\npostgres: {dsn: '%s'}\n"+
		"bankid: {environment: custom, url: 'https://localhost:1/rp/v6.0', root_ca_file: sim/ca.pem, signature_root_file: sim/signature-root.pem, certificate_file: sim/client.pem, key_file: sim/client-key.pem}\n",
		freePort(t), key.Reveal(), dsn)
	serveSim(t, filepath.Join(dir, "sim"))
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kills := migrateKilling(t, configuration, "postgres")
	if again := migrateCommand(configuration, "postgres"); again.Run() != nil || !strings.Contains(fmt.Sprint(again.Stdout), "all was moved before") {
		t.Errorf("when all is there: %s", again.Stdout)
	}
	want := openOutgoing(t, path, sealer)
	target := openTarget(t, dsn, sealer)
	sameStores(t, want, target)
	if err := errors.Join(want.Close(), target.Close(), os.Rename(path, path+".moved"), os.Remove(path+".mark")); err != nil {
		t.Fatal(err)
	}
	kills += migrateKilling(t, configuration, "file")
	sameStores(t, openOutgoing(t, path, sealer), openTarget(t, dsn, sealer))
	if kills == 0 {
		t.Error("nothing was killed")
	}
	t.Log(kills, "kills")
}

// migrateKilling runs "brygga migrate" until it is done, and kills it later each time. It returns how often it did.
func migrateKilling(t *testing.T, configuration, to string) (kills int) {
	t.Helper()
	for wait := 20 * time.Millisecond; ; wait += time.Duration(mathrand.IntN(150)) * time.Millisecond {
		cmd := migrateCommand(configuration, to)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(wait, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			return kills
		}
		if cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("after %d kills: %v: %s", kills, err, cmd.Stdout)
		}
		kills++
	}
}

// migrateCommand returns "brygga migrate", whose output is a text.
func migrateCommand(configuration, to string) *exec.Cmd {
	said := new(strings.Builder)
	return &exec.Cmd{
		Path: os.Args[0], Args: []string{"brygga", "migrate", "--config", configuration, "--to", to}, Env: os.Environ(), Stdout: said, Stderr: said,
	}
}

// sameStores demands that both hold the same.
func sameStores(t *testing.T, a, b storage.Source) {
	t.Helper()
	now := storagetest.PopulatedAt()
	digests := func(s storage.Source) (all []string) {
		for at := (storage.Position{}); ; {
			entries, err := s.Export(t.Context(), at, now, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				all = append(all, fmt.Sprintf("%s %x %s", e.Kind, e.Key, e.Digest()))
				at = e.Position()
			}
			if len(entries) < 1000 {
				return all
			}
		}
	}
	if diff := cmp.Diff(digests(a), digests(b)); diff != "" {
		t.Fatalf("the stores differ:\n%s", diff)
	}
}
