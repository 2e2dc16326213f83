//go:build cluster

package postgres_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/secret"
	"brygga/storage"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// clusterDSN and clusterProcess name the environment variables that make this test binary a process that logs people in.
const clusterDSN, clusterProcess = "BRYGGA_TEST_CLUSTER_DSN", "BRYGGA_TEST_CLUSTER_PROCESS"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(clusterDSN); dsn != "" {
		if err := logIn(dsn, os.Getenv(clusterProcess)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// What a login of this test has come to.
const (
	clusterCreated = iota + 1
	clusterBegun
	clusterOrdered
	clusterCompleted
	clusterAnswered
	clusterRedeemed
	clusterRotated // all of it
)

// logIn makes logins from a few goroutines and writes a line "ID step" for each step that the store has acknowledged, until standard input
// ends. Each login that has begun is brought to its end.
func logIn(dsn, process string) error {
	store, err := postgres.Open(context.Background(), dsn, storagetest.FixedSealer("cluster"), postgres.Options{Node: process})
	if err != nil {
		return err
	}
	defer store.Close()
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	var all sync.WaitGroup
	faults := make(chan error, 8)
	for worker := range cap(faults) {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-ended:
					return
				case <-time.After(200 * time.Millisecond): // so that there are not more to look at in the end than it takes
				}
				id := fmt.Sprintf("%s-%d-%d", process, worker, n)
				for step := clusterCreated; step <= clusterRotated; step++ {
					if err := persist(store, id, step); err != nil {
						faults <- fmt.Errorf("%s, step %d: %w", id, step, err)
						return
					}
					fmt.Printf("%s %d\n", id, step)
				}
			}
		})
	}
	all.Wait()
	close(faults)
	return <-faults
}

// persist takes the step until it is acknowledged, or is found to have been done by a try whose outcome was lost.
func persist(store storage.Store, id string, step int) error {
	for lost := false; ; lost = true {
		err := take(store, id, step)
		if err == nil {
			return nil
		}
		if !errors.Is(err, storage.ErrUnavailable) {
			done, unknown := reached(store, id)
			switch {
			case unknown != nil:
				err = unknown
			case lost && done >= step:
				return nil
			case step == clusterOrdered && done == clusterBegun: // the claim died meanwhile: people start again
				err = take(store, id, clusterBegun)
			}
		}
		if err != nil && !errors.Is(err, storage.ErrUnavailable) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func clusterHash(what, id string) [32]byte { return sha256.Sum256([]byte(what + id)) }

// take takes one step of the login.
func take(store storage.Store, id string, step int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	now := time.Now().UTC().Truncate(time.Microsecond)
	switch step {
	case clusterCreated:
		return store.CreateLogin(ctx, storage.Login{
			ID: id, State: storage.LoginOpen, Revision: 1, Created: now, Expires: now.Add(10 * time.Minute), BindingHash: clusterHash("binding", id),
			Request: &storage.AuthRequest{ClientID: "app", RedirectURI: "https://app.example/callback", Scopes: []string{"openid", "offline_access"}, Received: now},
		})
	case clusterBegun:
		_, err := store.BeginOrder(ctx, id, storage.Claim{ID: "claim", Starter: storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.7"}, WindowEnds: now.Add(5 * time.Minute), Collector: "a", At: now})
		return err
	case clusterOrdered:
		_, err := store.PutOrder(ctx, id, "claim", storage.Order{ID: "order", Method: "bankid", Ref: secret.New("ref"), Started: now, Collector: "a"})
		return err
	case clusterCompleted:
		store.RecordHint(ctx, id, "order", storage.PhaseWorking, "userSign", now) // may be lost
		_, err := store.CompleteLogin(ctx, id, "order", storage.Result{Identity: clusterIdentity()}, now, func(l *storage.Login) []storage.AuditEvent {
			return []storage.AuditEvent{{ID: "completed" + l.ID, Time: now, Expires: now.Add(time.Hour), Type: "COMPLETED"}}
		})
		return err
	case clusterAnswered:
		grant := storage.Grant{ID: "grant" + id, ClientID: "app", Subject: "subject", Offline: true, AuthTime: now, Identity: clusterIdentity(), Created: now, Expires: now.Add(time.Hour)}
		_, err := store.AnswerLogin(ctx, id, storage.Answer{Grant: grant, Code: storage.Code{
			Hash: clusterHash("code", id), GrantID: grant.ID, ClientID: "app", Redirect: "https://app.example/callback", Expires: now.Add(5 * time.Minute),
		}}, now)
		return err
	case clusterRedeemed:
		_, err := store.RedeemCode(ctx, storage.Redemption{
			CodeHash: clusterHash("code", id), ClientID: "app", RedirectURI: "https://app.example/callback", Now: now,
			Token:   storage.AccessToken{Hash: clusterHash("token", id), Expires: now.Add(time.Hour)},
			Refresh: storage.RefreshToken{Hash: clusterHash("refresh", id), Expires: now.Add(time.Hour)},
		})
		return err
	}
	_, err := store.RotateRefreshToken(ctx, storage.Rotation{
		Hash: clusterHash("refresh", id), ClientID: "app", Now: now, Next: storage.RefreshToken{Hash: clusterHash("next", id), Expires: now.Add(time.Hour)},
		Token: storage.AccessToken{Hash: clusterHash("token again", id), Expires: now.Add(time.Hour)},
	})
	return err
}

func clusterIdentity() storage.Identity {
	return storage.Identity{Method: "bankid", PersonalNumber: secret.New("199002304567"), Name: secret.New("Kim Larsson")}
}

// reached returns which step of the login the store knows to be done.
func reached(store storage.Store, id string) (found int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	now := time.Now().UTC()
	for step, token := range map[int]string{clusterRedeemed: "token", clusterRotated: "token again"} {
		switch _, _, err := store.AccessToken(ctx, clusterHash(token, id), now); {
		case err == nil:
			found = max(found, step)
		case !errors.Is(err, storage.ErrNotFound):
			return 0, err
		}
	}
	login, err := store.Login(ctx, id, now)
	switch {
	case found > 0, err != nil:
		return found, err
	case login.State == storage.LoginAnswered:
		return clusterAnswered, nil
	case login.State == storage.LoginComplete:
		return clusterCompleted, nil
	case login.Order != nil:
		return clusterOrdered, nil
	case login.Claim.ID != "":
		return clusterBegun, nil
	}
	return clusterCreated, nil
}

// ledger is what processes have been told that it is stored.
type ledger struct {
	mu    sync.Mutex
	steps map[string]int // how far each login is
	last  time.Time      // when something was acknowledged last
	rests []time.Duration
	count int
}

// read notes the lines of a process.
func (l *ledger) read(lines io.Reader) error {
	for s := bufio.NewScanner(lines); s.Scan(); {
		var id string
		var step int
		if _, err := fmt.Sscan(s.Text(), &id, &step); err != nil {
			return fmt.Errorf("line %q: %w", s.Text(), err)
		}
		l.mu.Lock()
		l.steps[id] = step
		now := time.Now()
		if rest := now.Sub(l.last); !l.last.IsZero() && rest > time.Second {
			l.rests = append(l.rests, rest)
		}
		l.last = now
		l.count++
		l.mu.Unlock()
	}
	return nil
}

// grow waits until as many steps more are acknowledged.
func (l *ledger) grow(ctx context.Context, t *testing.T, steps int) {
	t.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.count
	}
	for want := count() + steps; count() < want; time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("nothing is acknowledged any more")
		}
	}
}

// process is another that logs people in.
type process struct {
	*exec.Cmd
	stdin      io.Closer
	complaints strings.Builder
	read       chan error
}

func startProcess(t *testing.T, dsn, name string, l *ledger) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0]), read: make(chan error, 1)}
	p.Env = append(os.Environ(), clusterDSN+"="+dsn, clusterProcess+"="+name)
	p.Stderr = &p.complaints
	stdin, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	go func() { p.read <- l.read(out) }()
	return p
}

// finish lets the process end its logins and waits for it.
func (p *process) finish(t *testing.T) {
	t.Helper()
	p.stdin.Close()
	if err := errors.Join(<-p.read, p.Wait()); err != nil {
		t.Errorf("%v: %s", err, p.complaints.String())
	}
}

// TestClusterFailsOverUnderLogins kills the primary of a cluster three times while processes log people in: every login comes to its end, and
// nothing that was acknowledged is missing.
func TestClusterFailsOverUnderLogins(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cluster, err := pgtest.StartCluster(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(cluster.Logs())
		}
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	dsn := cluster.DSN("postgres")
	l := &ledger{steps: map[string]int{}}
	var processes []*process
	for i := range 3 {
		processes = append(processes, startProcess(t, dsn, fmt.Sprintf("process-%d", i+1), l))
	}
	for range 3 {
		primary, err := cluster.Settled(ctx)
		if err != nil {
			t.Fatal(err)
		}
		l.grow(ctx, t, 500)
		if err := primary.Kill(); err != nil {
			t.Fatal(err)
		}
		l.grow(ctx, t, 500)
		if err := primary.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := cluster.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		p.finish(t)
	}
	t.Logf("%d logins of %d steps; nothing was acknowledged for %v", len(l.steps), l.count, l.rests)
	l.check(t, dsn)
	if len(l.rests) < 3 {
		t.Error("the primary died without a rest: it was not under load")
	}
}

// check demands that the database holds what the ledger says, and nothing twice. It takes the time that it needs, as on a slow machine there may be
// more to look at than what is left of the test's.
func (l *ledger) check(t *testing.T, dsn string) {
	t.Helper()
	ctx := t.Context()
	store, err := postgres.Open(ctx, dsn, storagetest.FixedSealer("cluster"), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var all sync.WaitGroup
	ids := make(chan string)
	for range postgres.DefaultMaxConnections {
		all.Go(func() {
			for id := range ids {
				l.checkLogin(ctx, t, store, id)
			}
		})
	}
	for id := range l.steps {
		ids <- id
	}
	close(ids)
	all.Wait()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for query, want := range map[string]int{
		`SELECT count(*) FROM logins`:         len(l.steps),
		`SELECT count(*) FROM grants`:         len(l.steps),
		`SELECT count(*) FROM codes`:          len(l.steps),
		`SELECT count(*) FROM access_tokens`:  2 * len(l.steps),
		`SELECT count(*) FROM refresh_tokens`: 2 * len(l.steps),
		`SELECT count(*) FROM audit_events`:   len(l.steps),
	} {
		var got int
		if err := conn.QueryRow(ctx, query).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

// checkLogin demands that a login has come to its end, and that what worked once works no more.
func (l *ledger) checkLogin(ctx context.Context, t *testing.T, store storage.Store, id string) {
	step, now := l.steps[id], time.Now().UTC()
	if step != clusterRotated {
		t.Errorf("%s hangs after step %d", id, step)
	}
	if got, err := reached(store, id); got < step {
		t.Errorf("%s: step %d was acknowledged and step %d is stored: %v", id, step, got, err)
	}
	var reused *storage.CodeReusedError
	if _, err := store.RedeemCode(ctx, storage.Redemption{CodeHash: clusterHash("code", id), ClientID: "app", RedirectURI: "https://app.example/callback", Now: now}); !errors.As(err, &reused) {
		t.Errorf("%s: a spent code: %v", id, err)
	}
	if token, _, err := store.RefreshToken(ctx, clusterHash("next", id), now); err != nil || token.Generation != 2 {
		t.Errorf("%s: the refresh token: %+v, %v", id, token, err)
	}
}
