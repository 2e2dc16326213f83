package postgres

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// tracer counts the round trips that its pool makes.
type tracer struct {
	mu    sync.Mutex
	trips []string
}

func (r *tracer) note(sql string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trips = append(r.trips, strings.Join(strings.Fields(sql), " "))
}

func (r *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.note(data.SQL)
	return ctx
}
func (*tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (r *tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	r.note("batch")
	return ctx
}
func (*tracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*tracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// since returns the round trips since the call before, but those that come by the clock.
func (r *tracer) since() (trips []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, sql := range r.trips {
		if sql != "batch" && !strings.HasPrefix(sql, "LISTEN") && !strings.HasPrefix(sql, "WITH gone AS") {
			trips = append(trips, sql)
		}
	}
	r.trips = nil
	return trips
}

func openTraced(t *testing.T) (*Store, *tracer) {
	t.Helper()
	r := new(tracer)
	s, err := open(t.Context(), pgtest.Database(t), storagetest.NewSealer(), Options{}, func(c *pgx.ConnConfig) { c.Tracer = r })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, r
}

// TestRoundTrips: a login by QR code with its hint codes, the pages that are looked at on the way and the exchange of its code is six round
// trips, each of which is one statement and one flush.
func TestRoundTrips(t *testing.T) {
	s, r := openTraced(t)
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	if err := s.CreateClient(ctx, storage.Client{ID: "app"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client(ctx, "app"); err != nil {
		t.Fatal(err)
	}
	r.since()
	page := func() {
		t.Helper()
		if _, err := s.Login(ctx, "l1", now); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Client(ctx, "app"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.PendingOrders(ctx); err != nil {
			t.Fatal(err)
		}
	}
	must := func(_ *storage.Login, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		page()
	}
	tell := func(after *storage.Login) []storage.AuditEvent {
		return []storage.AuditEvent{{ID: storage.NewID(), Time: now, Type: "WEB_100001", Expires: now.Add(time.Hour)}}
	}
	must(nil, s.CreateLogin(ctx, storage.Login{Request: new(storage.AuthRequest), ID: "l1", State: storage.LoginOpen, Revision: 1, Created: now, Expires: now.Add(time.Hour)}))
	must(s.BeginOrder(ctx, "l1", storage.Claim{ID: "c1", Collector: s.Node(), At: now}, tell))
	if err := s.Heartbeat(ctx, s.Node(), now); err != nil {
		t.Fatal(err)
	}
	must(s.PutOrder(ctx, "l1", "c1", storage.Order{ID: "o1", Collector: s.Node(), Started: now}))
	for _, hint := range []string{"outstandingTransaction", "started", "userSign"} {
		must(s.RecordHint(ctx, "l1", "o1", storage.PhaseWorking, hint, now))
	}
	must(s.CompleteLogin(ctx, "l1", "o1", storage.Result{}, now, tell))
	code := storage.Code{Hash: [32]byte{1}, GrantID: "g1", ClientID: "app", Expires: now.Add(time.Minute)}
	answered, err := s.AnswerLogin(ctx, "l1", storage.Answer{Code: code, Grant: storage.Grant{ID: "g1", ClientID: "app", Created: now, Expires: now.Add(time.Hour)}}, now)
	if err != nil || answered.Course != "@0 outstandingTransaction@0 started@0 userSign@0" && !strings.HasSuffix(answered.Course, "userSign@0") {
		t.Fatalf("answered: %+v, %v", answered, err)
	}
	page()
	redemption := storage.Redemption{CodeHash: code.Hash, ClientID: "app", Token: storage.AccessToken{Hash: [32]byte{2}, Expires: now.Add(time.Hour)}, Now: now}
	if _, err := s.RedeemCode(ctx, redemption); err != nil {
		t.Fatal(err)
	}
	if trips := r.since(); len(trips) != 6 {
		t.Errorf("%d round trips:\n%s", len(trips), strings.Join(trips, "\n"))
	}
	events, err := s.AuditEvents(ctx, now, now.Add(time.Second), 10)
	if err != nil || len(events) != 2 {
		t.Errorf("%d audit events, %v", len(events), err)
	}
}
