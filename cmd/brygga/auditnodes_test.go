package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/cmd/brygga/config"
	"brygga/keys"
	"brygga/secret"
	"brygga/storage/postgres/pgtest"
)

// auditNode is one of several servers on one database, with a sink that all of them have.
type auditNode struct {
	*server
	file string
	stop func() // stops signing and delivering, and waits for it
}

// newAuditNodes returns so many, which all raise events, sign and deliver.
func newAuditNodes(t *testing.T, dsn string, count int) (nodes []*auditNode) {
	t.Helper()
	master := keys.NewMasterKey()
	for i := range count {
		o := newOptions(t)
		o.config.Postgres.DSN, o.config.MasterKey = secret.New(dsn), master
		file := filepath.Join(t.TempDir(), "audit.jsonl")
		o.config.Audit.Sinks = []config.Sink{{Name: "archive", Kind: config.KindFile, FromStart: true, Path: file, MaxMiB: 1, Keep: 1, Events: []string{"KEY_", "SEC_"}}}
		s, err := newServer(t.Context(), o)
		if err != nil {
			t.Fatalf("node %d: %v", i, err)
		}
		if s.tree.Tree, err = openTree(t.Context(), s.store, s.config.Issuer, tree.Options{Rest: time.Second, Logger: s.log, Now: s.now}); err != nil {
			t.Fatal(err)
		}
		n := &auditNode{server: s, file: file}
		ctx, cancel := context.WithCancel(t.Context())
		var workers sync.WaitGroup
		workers.Go(func() { s.every(ctx, 100*time.Millisecond, s.signAudit) })
		workers.Go(func() { s.sinks[0].Run(ctx) })
		n.stop = sync.OnceFunc(func() { cancel(); workers.Wait() })
		t.Cleanup(func() { n.stop(); s.close() })
		nodes = append(nodes, n)
	}
	return nodes
}

// happen raises events on all nodes at once.
func happen(t *testing.T, nodes []*auditNode, what string, each int) {
	t.Helper()
	var raising sync.WaitGroup
	for i, n := range nodes {
		raising.Go(func() {
			for j := range each {
				n.audit.Record(t.Context(), audit.Event{Type: audit.ClientRefused, Message: fmt.Sprintf("%s-%d-%d", what, i, j)})
			}
		})
	}
	raising.Wait()
}

// signed waits until the tree covers that many events that have the text, and returns the export.
func signed(t *testing.T, s *server, text string, want int) []byte {
	t.Helper()
	for deadline := time.Now().Add(takeover); ; time.Sleep(100 * time.Millisecond) {
		var export bytes.Buffer
		_, err := s.tree.Export(t.Context(), &export, time.Time{})
		if got := bytes.Count(export.Bytes(), []byte(text)); err == nil && got == want {
			return export.Bytes()
		} else if time.Now().After(deadline) {
			t.Fatalf("%d of %d events %s are signed, %v", got, want, text, err)
		}
	}
}

func lineCount(t *testing.T, file, text string) int {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Count(string(content), text)
}

// TestAuditOfNodes: what several nodes write is one log, of which a sink gets each event, also when the node that delivered stops; and whoever
// changes the log behind their backs is found out.
func TestAuditOfNodes(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	nodes := newAuditNodes(t, dsn, 2)
	happen(t, nodes, "first", 300)
	export := signed(t, nodes[0].server, "first-", 600)
	public := nodes[1].tree.PublicKey()
	if _, err := tree.VerifyExport(bytes.NewReader(export), public); err != nil {
		t.Errorf("what two nodes have signed: %v", err)
	}
	deliveredBy(t, nodes, "first-", 600)
	one, other := nodes[0], nodes[1]
	if lineCount(t, other.file, "first-") > 0 {
		one, other = other, one
	}
	if both := lineCount(t, other.file, "first-"); both > 0 {
		t.Errorf("the other has delivered %d events, too", both)
	}
	one.stop()
	happen(t, []*auditNode{other}, "second", 10)
	deliveredBy(t, []*auditNode{other}, "second-", 10)
	if lineCount(t, other.file, "WEB_") > 0 || lineCount(t, one.file, "KEY_") == 0 {
		t.Error("the sink got other events than its own")
	}
	other.stop()
	tamper(t, other.server, dsn, public)
}

// takeover is how long it may take until another node signs in the place of one that has stopped where others need the machine.
const takeover = 6 * patience

// deliveredBy waits until the files of the nodes together have that many events with the text, which none of them has twice.
func deliveredBy(t *testing.T, nodes []*auditNode, text string, want int) {
	t.Helper()
	for deadline := time.Now().Add(takeover); ; time.Sleep(100 * time.Millisecond) {
		got := 0
		for _, n := range nodes {
			got += lineCount(t, n.file, text)
		}
		if got == want {
			return
		}
		if got > want || time.Now().After(deadline) {
			t.Fatalf("%d events %s were delivered, want %d", got, text, want)
		}
	}
}

// tamper changes the log in the database, a bit more each time, and lets those look who must see it.
func tamper(t *testing.T, s *server, dsn, public string) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	do := func(statement string) {
		t.Helper()
		if tag, err := db.Exec(t.Context(), statement); err != nil || tag.RowsAffected() == 0 && strings.HasPrefix(statement, "UPDATE") {
			t.Fatalf("%s: %v, %v", statement, tag, err)
		}
	}
	missing := func(what string, want int64) {
		t.Helper()
		if r, err := s.tree.Check(t.Context(), time.Time{}); err != nil || r.Missing != want {
			t.Errorf("%s: %d events are missing, %v, want %d", what, r.Missing, err, want)
		}
	}
	missing("nothing was touched", 0)
	before, _, err := s.tree.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(`UPDATE audit_events SET body = replace(body::text, 'first-0-7"', 'first-9-7"')::jsonb WHERE body::text LIKE '%first-0-7"%'`)
	missing("an event was changed", 1)
	do(`DELETE FROM audit_events WHERE body::text LIKE '%first-1-8"%'`)
	missing("an event was changed, another removed", 2)
	do(`DELETE FROM audit_events WHERE body::text LIKE '%second-0-_"%'`)
	missing("the last events were cut off, too", 12)

	// Who also takes the tree back to where it was signed before leaves a log that is whole in itself, and not in the eyes of who kept a checkpoint.
	do(`CREATE TABLE kept_tree AS TABLE audit_tree`)
	do(`CREATE TABLE kept_tiles AS TABLE audit_tiles`)
	happen(t, []*auditNode{{server: s}}, "third", 3)
	for deadline := time.Now().Add(takeover); ; time.Sleep(100 * time.Millisecond) { // nobody else signs any more
		s.signAudit(t.Context())
		var export bytes.Buffer
		if _, err := s.tree.Export(t.Context(), &export, time.Time{}); err == nil && bytes.Count(export.Bytes(), []byte("third-")) == 3 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("no later checkpoint: %v", err)
		}
	}
	after, _, err := s.tree.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(`BEGIN; DELETE FROM audit_events WHERE body::text LIKE '%third-%'; DELETE FROM audit_tree; DELETE FROM audit_tiles;
		INSERT INTO audit_tree TABLE kept_tree; INSERT INTO audit_tiles TABLE kept_tiles; COMMIT`)
	var export bytes.Buffer
	if _, err := s.tree.Export(t.Context(), &export, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.VerifyExport(bytes.NewReader(export.Bytes()), public, before); err != nil {
		t.Errorf("the log of before: %v", err)
	}
	if _, err := tree.VerifyExport(bytes.NewReader(export.Bytes()), public, after); !errors.Is(err, tree.ErrInvalid) {
		t.Errorf("an end that was cut off with its checkpoint: %v", err)
	}
	if _, err := s.tree.Follow(t.Context(), signedSize(t, after), 1); !errors.Is(err, tree.ErrTampered) {
		t.Errorf("a sink that had come further: %v", err)
	}
}

// signedSize returns how many events a checkpoint has signed.
func signedSize(t *testing.T, checkpoint []byte) (size int64) {
	t.Helper()
	if _, err := fmt.Sscan(strings.Split(string(checkpoint), "\n")[1], &size); err != nil {
		t.Fatal(err)
	}
	return size
}
