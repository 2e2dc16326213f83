package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// pair opens two stores on one database, as two processes have it.
func pair(t *testing.T) (a, b *Store) {
	t.Helper()
	dsn, sealer := pgtest.Database(t), storagetest.NewSealer()
	stores := [2]*Store{}
	for i, node := range []string{"a", "b"} {
		s, err := Open(t.Context(), dsn, sealer, Options{Node: node})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		stores[i] = s
	}
	for _, s := range stores { // a was alone when it was opened
		if err := s.pulse(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return stores[0], stores[1]
}

var moment = time.Now().UTC().Truncate(time.Microsecond)

// pendingOn stores a login whose order o1 the store's process collects.
func pendingOn(t *testing.T, s *Store, id string) {
	t.Helper()
	login := storage.Login{
		Request: new(storage.AuthRequest),
		ID:      id, State: storage.LoginPending, Revision: 1, Created: moment, Expires: moment.Add(time.Hour),
		Order: &storage.Order{ID: "o1", Collector: s.Node(), Started: moment},
	}
	if err := s.CreateLogin(t.Context(), login); err != nil {
		t.Fatal(err)
	}
}

// TestProcessesFollowEachOther: who follows a login through one process is woken by what another does, and then sees it; with the pulse alone
// as well as with notifications.
func TestProcessesFollowEachOther(t *testing.T) {
	for name, deaf := range map[string]bool{"by notifications": false, "by the pulse": true} {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			if deaf {
				a.news.silent = func() bool { return true }
			}
			pendingOn(t, a, "l1")
			if _, err := b.Login(t.Context(), "l1", moment); err != nil {
				t.Fatal(err)
			}
			woken := make(chan struct{}, 1)
			stop := b.Follow("l1", func() {
				select {
				case woken <- struct{}{}:
				default:
				}
			})
			defer stop()
			if _, err := a.RecordHint(t.Context(), "l1", "o1", storage.PhaseWorking, "userSign", moment); err != nil {
				t.Fatal(err)
			}
			for {
				<-woken // who is never woken runs into the end of the test
				login, err := b.Login(t.Context(), "l1", moment)
				if err != nil {
					t.Fatal(err)
				}
				if login.Order.HintCode == "userSign" {
					return
				}
			}
		})
	}
}

// TestStepsOnWhatIsOld: a process acts on a login as it is, however old the one is that it holds.
func TestStepsOnWhatIsOld(t *testing.T) {
	a, b := pair(t)
	ctx := t.Context()
	pendingOn(t, a, "l1")
	if _, err := b.Login(ctx, "l1", moment); err != nil {
		t.Fatal(err)
	}
	if _, err := a.CancelOrder(ctx, "l1", storage.Failure{Reason: "cancelled"}, moment); err != nil {
		t.Fatal(err)
	}
	if _, err := b.CompleteLogin(ctx, "l1", "o1", storage.Result{}, moment); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("a login that was cancelled through another process is completed: %v", err)
	}
	claim := storage.Claim{ID: "c1", At: moment, Starter: storage.Starter{Device: storage.DeviceOther}}
	if _, err := b.BeginOrder(ctx, "l1", claim); err != nil {
		t.Fatal(err)
	}
	// What a holds says that the login has failed and nothing is being made.
	if _, err := a.BeginOrder(ctx, "l1", claim); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("an order is begun twice: %v", err)
	}
	if _, err := a.PutOrder(ctx, "l1", "c1", storage.Order{ID: "o2", Collector: "a", Started: moment}); err != nil {
		t.Errorf("the order cannot be put through the other process: %v", err)
	}
	login, err := b.RecordHint(ctx, "l1", "o2", storage.PhaseWorking, "started", moment)
	if err != nil || login.Order.HintCode != "started" {
		t.Errorf("hint through the other process: %+v, %v", login, err)
	}
	// b holds a hint that the database has not: a's step does not lose it.
	if _, err := a.RecordReturn(ctx, "l1", [32]byte{}, moment); !errors.Is(err, storage.ErrMismatch) {
		t.Errorf("a return without a nonce: %v", err)
	}
	if _, err := a.FailOrder(ctx, "l1", "o2", storage.Failure{Reason: "userCancel"}, moment); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RecordHint(ctx, "l1", "o2", storage.PhaseWorking, "userSign", moment); !errors.Is(err, storage.ErrConflict) && err != nil {
		t.Errorf("a hint of an order that has ended: %v", err)
	}
}

// TestNothingIsRefusedForWhatIsOld: what the login at hand forbids, and the stored one allows, is done.
func TestNothingIsRefusedForWhatIsOld(t *testing.T) {
	a, b := pair(t)
	a.news.silent = func() bool { return true }
	ctx := t.Context()
	pendingOn(t, a, "l1")
	if _, err := b.Login(ctx, "l1", moment); err != nil {
		t.Fatal(err)
	}
	_, cancelled := a.CancelOrder(ctx, "l1", storage.Failure{Reason: "cancelled"}, moment)
	_, begun := a.BeginOrder(ctx, "l1", storage.Claim{ID: "c1", At: moment})
	_, put := a.PutOrder(ctx, "l1", "c1", storage.Order{ID: "o2", Collector: "a", Started: moment})
	if err := errors.Join(cancelled, begun, put); err != nil {
		t.Fatal(err)
	}
	if _, err := b.FailOrder(ctx, "l1", "o2", storage.Failure{Reason: "userCancel"}, moment); err != nil {
		t.Errorf("an order that the process has not heard of is refused: %v", err)
	}
}

// TestHintsSurviveOthersSteps: a hint code that is not in the database yet is not lost when another process changes the login.
func TestHintsSurviveOthersSteps(t *testing.T) {
	a, b := pair(t)
	ctx := t.Context()
	pendingOn(t, a, "l1")
	leave, err := a.turns.take(ctx, "another") // nothing to do with this login
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	if _, err := a.RecordHint(ctx, "l1", "o1", storage.PhaseWorking, "started", moment); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RecordSeen(ctx, "l1", moment.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	b.saveLate(ctx)
	a.saveLate(ctx)
	for node, s := range map[string]*Store{"a": a, "b": b} {
		s.logins.forget("l1")
		login, err := s.Login(ctx, "l1", moment)
		if err != nil || login.Order.HintCode != "started" || !login.Seen.Equal(moment.Add(time.Second)) {
			t.Errorf("%s sees %+v, %v", node, login, err)
		}
	}
}

// TestClientsAreKnownToAll: a change of a client through one process holds on the other after its next pulse.
func TestClientsAreKnownToAll(t *testing.T) {
	a, b := pair(t)
	ctx := t.Context()
	a.news.silent = func() bool { return true }
	if err := a.CreateClient(ctx, storage.Client{ID: "app", Name: "first"}); err != nil {
		t.Fatal(err)
	}
	if c, err := b.Client(ctx, "app"); err != nil || c.Name != "first" {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := a.UpdateClient(ctx, storage.Client{ID: "app", Name: "second", Revision: 1}); err != nil {
		t.Fatal(err)
	}
	if err := b.pulse(ctx); err != nil {
		t.Fatal(err)
	}
	if c, err := b.Client(ctx, "app"); err != nil || c.Name != "second" {
		t.Errorf("after a pulse: %+v, %v", c, err)
	}
}

// TestOrdersOfTheDead: the orders of a process that has left are taken over at once, those of one that was only silent while nobody could be
// heard are not.
func TestOrdersOfTheDead(t *testing.T) {
	a, b := pair(t)
	ctx := t.Context()
	pendingOn(t, a, "l1")
	adopt := func() int {
		t.Helper()
		now := b.Now().UTC()
		adopted, err := b.AdoptOrders(ctx, b.Node(), now.Add(-4*time.Second), now, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(adopted)
	}
	if n := adopt(); n != 0 {
		t.Errorf("%d orders of a living process are taken over", n)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b.steadyFrom.Store(sinceBegan()) // as after a time when the database was gone
	if n := adopt(); n != 0 {
		t.Errorf("%d orders are taken over before the others could be heard", n)
	}
	b.steadyFrom.Store(0)
	if n := adopt(); n != 1 {
		t.Errorf("%d orders of a process that has left are taken over", n)
	}
	if n := adopt(); n != 0 {
		t.Errorf("%d orders are taken over twice", n)
	}
}

// TestOneClock: processes whose clocks differ go by the database's.
func TestOneClock(t *testing.T) {
	dsn, sealer := pgtest.Database(t), storagetest.NewSealer()
	for _, wrong := range []time.Duration{0, -2 * time.Second, 2 * time.Second, 90 * time.Minute} {
		s, err := Open(t.Context(), dsn, sealer, Options{Now: func() time.Time { return time.Now().Add(wrong) }})
		if err != nil {
			t.Fatal(err)
		}
		if off := time.Until(s.Now()); off.Abs() > 500*time.Millisecond {
			t.Errorf("with a clock that is %s wrong the time is %s off", wrong, off)
		}
		if off := s.Offset() + wrong; off.Abs() > 500*time.Millisecond {
			t.Errorf("of a clock that is %s wrong the offset is %s", wrong, s.Offset())
		}
		s.Close()
	}
}

// severed leads to a server, and loses one of its next answers: with that of a statement, it is done, and the connection gone.
type severed struct {
	net.Listener
	// lose is which of the next answers is lost, 0 for none.
	lose atomic.Int64
}

func sever(t *testing.T, host string, network string) *severed {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &severed{Listener: listener}
	var running sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, host)
			if err != nil {
				client.Close()
				continue
			}
			running.Go(func() {
				io.Copy(server, client)
				server.Close()
			})
			running.Go(func() {
				defer client.Close()
				buffer := make([]byte, 64<<10)
				for {
					n, err := server.Read(buffer)
					if err != nil || p.lose.Load() > 0 && p.lose.Add(-1) == 0 {
						return
					}
					if _, err := client.Write(buffer[:n]); err != nil {
						return
					}
				}
			})
		}
	})
	return p
}

// TestLostAnswers: of each step one of the database's answers is lost, that to its statement or one before. The step has happened, once, and its
// caller learns so.
func TestLostAnswers(t *testing.T) {
	for _, answer := range []string{"first", "second", "third"} {
		t.Run(answer, func(t *testing.T) { loseAnswers(t, map[string]int64{"first": 1, "second": 2, "third": 3}[answer]) })
	}
}

func loseAnswers(t *testing.T, which int64) {
	dsn := pgtest.Database(t)
	config, err := configure(dsn, Options{})
	if err != nil {
		t.Fatal(err)
	}
	network, host := config.ConnConfig.Config.Host, ""
	if network[0] == '/' {
		network, host = "unix", config.ConnConfig.Host+"/.s.PGSQL."+portOf(config.ConnConfig.Port)
	} else {
		network, host = "tcp", net.JoinHostPort(config.ConnConfig.Host, portOf(config.ConnConfig.Port))
	}
	p := sever(t, host, network)
	through := p.Addr().(*net.TCPAddr)
	s, err := open(t.Context(), dsn, storagetest.NewSealer(), Options{MaxConnections: 2}, redirect(through))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	lost := func(step string, do func() error) {
		t.Helper()
		if err := s.Ping(ctx); err != nil { // so that there is a connection
			t.Fatal(err)
		}
		p.lose.Store(which)
		if err := do(); err != nil {
			t.Errorf("%s: %v", step, err)
		}
		p.lose.Store(0)
	}
	event := func(n int) storage.AuditEvent {
		return storage.AuditEvent{ID: storage.NewID(), Time: moment.Add(time.Duration(n) * time.Second), Type: "WEB_100001", Expires: moment.Add(time.Hour)}
	}
	tell := func(*storage.Login) []storage.AuditEvent { return []storage.AuditEvent{event(1)} }
	login := storage.Login{Request: new(storage.AuthRequest), ID: "l1", State: storage.LoginOpen, Revision: 1, Created: moment, Expires: moment.Add(time.Hour)}
	step := func(_ *storage.Login, err error) error { return err }
	lost("CreateClient", func() error { return s.CreateClient(ctx, storage.Client{ID: "app"}, event(0)) })
	lost("CreateLogin", func() error { return s.CreateLogin(ctx, login) })
	lost("BeginOrder", func() error { return step(s.BeginOrder(ctx, "l1", storage.Claim{ID: "c1", At: moment}, tell)) })
	lost("PutOrder", func() error { return step(s.PutOrder(ctx, "l1", "c1", storage.Order{ID: "o1", Started: moment})) })
	lost("CompleteLogin", func() error { return step(s.CompleteLogin(ctx, "l1", "o1", storage.Result{}, moment, tell)) })
	code := storage.Code{Hash: [32]byte{1}, GrantID: "g1", ClientID: "app", Expires: moment.Add(time.Minute)}
	grant := storage.Grant{ID: "g1", ClientID: "app", Offline: true, Created: moment, Expires: moment.Add(time.Hour)}
	lost("AnswerLogin", func() error { return step(s.AnswerLogin(ctx, "l1", storage.Answer{Code: code, Grant: grant}, moment)) })
	token := func(n byte) storage.AccessToken {
		return storage.AccessToken{Hash: [32]byte{n}, Expires: moment.Add(time.Hour)}
	}
	refresh := func(n byte) storage.RefreshToken {
		return storage.RefreshToken{Hash: [32]byte{n}, Expires: moment.Add(time.Hour)}
	}
	lost("RedeemCode", func() error {
		_, err := s.RedeemCode(ctx, storage.Redemption{CodeHash: code.Hash, ClientID: "app", Token: token(2), Refresh: refresh(3), Now: moment})
		return err
	})
	lost("RotateRefreshToken", func() error {
		_, err := s.RotateRefreshToken(ctx, storage.Rotation{Hash: [32]byte{3}, ClientID: "app", Next: refresh(4), Token: token(5), Now: moment})
		return err
	})
	lost("RotateRefreshToken that is kept", func() error {
		_, err := s.RotateRefreshToken(ctx, storage.Rotation{Hash: [32]byte{4}, ClientID: "app", Next: refresh(6), Token: token(7), Keep: true, Now: moment})
		return err
	})
	lost("RevokeGrant", func() error { return s.RevokeGrant(ctx, "g1", moment) })
	lost("ReplaceSigningKeys", func() error { return s.ReplaceSigningKeys(ctx, []storage.SigningKey{{ID: "k"}}, 0) })
	lost("PushRequest", func() error {
		return s.PushRequest(ctx, storage.PushedRequest{Hash: [32]byte{1}, ClientID: "app", Expires: moment.Add(time.Hour)})
	})
	if _, err := s.RedeemCode(ctx, storage.Redemption{CodeHash: code.Hash, ClientID: "app", Token: token(8), Now: moment}); err == nil {
		t.Error("the code is redeemed twice")
	}
	events, err := s.AuditEvents(ctx, moment, moment.Add(time.Hour), 10)
	if err != nil || len(events) != 3 {
		t.Errorf("%d audit events, want 3: %v", len(events), err)
	}
	if _, revision, err := s.SigningKeys(ctx); err != nil || revision != 1 {
		t.Errorf("revision %d of the keys, %v", revision, err)
	}
	if c, err := s.Client(ctx, "app"); err != nil || c.Revision != 1 {
		t.Errorf("client %+v, %v", c, err)
	}
}

// TestClosed: nothing is done after Close.
func TestClosed(t *testing.T) {
	s, err := Open(t.Context(), pgtest.Database(t), storagetest.NewSealer(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	pendingOn(t, s, "l1")
	if _, err := s.RecordHint(t.Context(), "l1", "o1", storage.PhaseWorking, "started", moment); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateLogin(context.Background(), storage.Login{Request: new(storage.AuthRequest), ID: "l2"}); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("a second end: %v", err)
	}
}
