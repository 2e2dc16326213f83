package bankid

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brygga/secret"
)

// making is a pool whose connections lead nowhere and are made as a test says.
type making struct {
	*pool
	dialed, closed atomic.Int32
}

// newMaking returns one: before a connection is there, or an error, each dial, counted from 1, runs through ready.
func newMaking(t *testing.T, ready func(ctx context.Context, number int32) error) *making {
	m := &making{}
	m.pool = newPool(func(ctx context.Context) (*conn, error) {
		if err := ready(ctx, m.dialed.Add(1)); err != nil {
			return nil, err
		}
		here, there := net.Pipe()
		there.Close()
		below := &watched{Conn: &counted{here, &m.closed}}
		return newConn(tls.Client(below, &tls.Config{}), below), nil
	})
	m.ready = func(*conn, time.Time) bool { return true }
	t.Cleanup(m.close)
	return m
}

type counted struct {
	net.Conn
	closed *atomic.Int32
}

func (c *counted) Close() error {
	c.closed.Add(1)
	return c.Conn.Close()
}

func (m *making) served(t *testing.T) *conn {
	t.Helper()
	c, err := m.get(t.Context(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (m *making) count() (idle, waiting, dialing int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.idle), len(m.waiting), m.dialing
}

func soon(ctx context.Context, _ int32) error { return pass(ctx, 10*time.Millisecond) }

func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestFewConnectionsAreMadeAtOnce lets a hundred calls come at once, each of which takes 20 ms.
func TestFewConnectionsAreMadeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dialing, most atomic.Int32
		m := newMaking(t, func(ctx context.Context, n int32) error {
			most.Store(max(most.Load(), dialing.Add(1)))
			defer dialing.Add(-1)
			return soon(ctx, n)
		})
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() {
				c := m.served(t)
				time.Sleep(20 * time.Millisecond)
				m.put(c)
			})
		}
		calls.Wait()
		if most.Load() != maxDials || m.dialed.Load() > 60 {
			t.Errorf("%d at once, %d in all", most.Load(), m.dialed.Load())
		}
	})
}

// TestHangingDialHoldsUpNobody has dials that hang, as some of BankID's test host do: calls go on over a connection that becomes free
// and over others that are made.
func TestHangingDialHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaking(t, func(ctx context.Context, n int32) error {
			if 1 < n && n <= 1+maxDials {
				return pass(ctx, time.Hour)
			}
			return soon(ctx, n)
		})
		first := m.served(t)
		var served atomic.Int32
		var calls sync.WaitGroup
		for range maxDials + 2 {
			calls.Go(func() {
				if _, err := m.get(t.Context(), time.Now().Add(time.Hour)); err == nil {
					served.Add(1)
				} else if !errors.Is(err, errClosed) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if m.put(first); served.Load() != 0 || m.dialed.Load() != 1+maxDials {
			t.Errorf("%d served, %d dialed", served.Load(), m.dialed.Load())
		}
		if synctest.Wait(); served.Load() != 1 {
			t.Errorf("%d served by the connection that became free", served.Load())
		}
		time.Sleep(dialPatience + 20*time.Millisecond)
		if synctest.Wait(); served.Load() != 2 || m.dialed.Load() != 2+maxDials {
			t.Errorf("after the hanging ones no longer count: %d served, %d dialed", served.Load(), m.dialed.Load())
		}
		m.close()
		calls.Wait()
		if idle, waiting, dialing := m.count(); idle+waiting+dialing != 0 {
			t.Errorf("left over: %d idle, %d waiting, %d in the making", idle, waiting, dialing)
		}
	})
}

// TestCallsWaitInTheirOrder has one connection for five calls.
func TestCallsWaitInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaking(t, func(ctx context.Context, n int32) error {
			if n > 1 {
				return pass(ctx, time.Hour)
			}
			return nil
		})
		c := m.served(t)
		var order []int
		for i := range 5 {
			go func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i == 1 {
					time.AfterFunc(time.Second, cancel)
				}
				if c, err := m.get(ctx, time.Now().Add(time.Hour)); err == nil {
					order = append(order, i)
					m.put(c)
				}
			}()
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		m.put(c)
		if synctest.Wait(); !slices.Equal(order, []int{0, 2, 3, 4}) {
			t.Errorf("served in the order %v", order)
		}
		if idle, waiting, _ := m.count(); idle != 1 || waiting != 0 {
			t.Errorf("%d idle, %d waiting", idle, waiting)
		}
	})
}

// TestTurnAndEndAtOnce hands connections to calls in the moment in which they give up: none is lost.
func TestTurnAndEndAtOnce(t *testing.T) {
	m := newMaking(t, func(ctx context.Context, n int32) error {
		if n > 1 {
			return pass(ctx, time.Hour)
		}
		return nil
	})
	c := m.served(t)
	for range 2000 {
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() {
			if c, err := m.get(ctx, time.Now().Add(time.Hour)); err == nil {
				m.put(c)
			}
		})
		for waiting := 0; waiting == 0; _, waiting, _ = m.count() {
		}
		work.Go(cancel)
		m.put(c)
		work.Wait()
		if idle, _, _ := m.count(); idle != 1 {
			t.Fatalf("%d connections are idle", idle)
		}
		c = m.served(t)
	}
}

func TestFailedDialsReachWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		m := newMaking(t, func(ctx context.Context, n int32) error { return errors.Join(soon(ctx, n), refused) })
		var calls sync.WaitGroup
		for range 3 * maxDials {
			calls.Go(func() {
				if _, err := m.get(t.Context(), time.Now().Add(time.Hour)); !errors.Is(err, refused) {
					t.Errorf("got error %v", err)
				}
			})
		}
		calls.Wait()
		if n := m.dialed.Load(); n != 3*maxDials {
			t.Errorf("%d dials", n)
		}
	})
}

func TestWaitingEndsWithTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaking(t, func(ctx context.Context, _ int32) error { return pass(ctx, time.Hour) })
		if _, err := m.get(t.Context(), time.Now().Add(time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v", err)
		}
	})
}

// TestIdleConnectionsAreClosed uses one of three connections on and on: the others go after half a minute, and later it too.
func TestIdleConnectionsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaking(t, soon)
		three := []*conn{m.served(t), m.served(t), m.served(t)}
		for _, c := range three {
			m.put(c)
			time.Sleep(time.Second)
		}
		for range 50 {
			time.Sleep(time.Second)
			if c := m.served(t); c != three[2] {
				t.Fatal("another one than the last serves")
			}
			m.put(three[2])
		}
		if idle, _, _ := m.count(); idle != 1 || m.closed.Load() != 2 {
			t.Errorf("%d idle, %d closed", idle, m.closed.Load())
		}
		time.Sleep(idleTimeout - time.Millisecond)
		if idle, _, _ := m.count(); idle != 1 {
			t.Error("it went too soon")
		}
		time.Sleep(2 * time.Millisecond)
		if idle, _, _ := m.count(); idle != 0 || m.closed.Load() != 3 || m.dialed.Load() != 3 {
			t.Errorf("%d idle, %d closed, %d dialed", idle, m.closed.Load(), m.dialed.Load())
		}
	})
}

// TestOldConnectionsAreNotKept renews the pool while a connection is idle, another serves and a third is in the making.
func TestOldConnectionsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMaking(t, soon)
		serving, idle := m.served(t), m.served(t)
		serving.calls = 1
		m.put(idle)
		m.served(t)
		made := make(chan *conn)
		go func() { made <- m.served(t) }()
		synctest.Wait()
		m.renew()
		third := <-made
		third.calls = 1
		m.put(serving)
		m.put(third)
		if n, _, _ := m.count(); n != 0 || m.closed.Load() != 2 {
			t.Errorf("%d idle, %d closed", n, m.closed.Load())
		}
		m.put(m.served(t))
		if n, _, _ := m.count(); n != 1 {
			t.Error("a new one is not kept")
		}
	})
}

// TestClosedAPI closes it while a call is under way.
func TestClosedAPI(t *testing.T) {
	heard, goOn := make(chan struct{}), make(chan struct{})
	m := newMouth(t, func(_ int, hear func() bool, conn *tls.Conn) {
		for hear() {
			heard <- struct{}{}
			<-goOn
			io.WriteString(conn, pendingAnswer)
		}
	})
	ended := make(chan error)
	go func() { ended <- m.collect(t) }()
	<-heard
	m.api.Close()
	close(goOn)
	if err := <-ended; err != nil {
		t.Errorf("the call under way: %v", err)
	}
	if err := m.collect(t); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a later call: %v", err)
	}
	if idle := len(m.api.conns.idle); idle != 0 {
		t.Errorf("%d connections are kept", idle)
	}
}

// TestConnectionsAreBounded makes many calls at once, and sees how many connections BankID gets.
func TestConnectionsAreBounded(t *testing.T) {
	l := &moodyListener{}
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond)
		answer(200, pendingBody)(w, r)
	}, func(s *httptest.Server) { l.Listener, s.Listener = s.Listener, l })
	o := p.options()
	o.MaxConns = 4
	a := newAPI(t, o)
	var calls sync.WaitGroup
	for range 64 {
		calls.Go(func() {
			if _, err := a.Collect(t.Context(), secret.New(testRef)); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if got := l.accepted.Load(); got > 4 {
		t.Errorf("%d connections", got)
	}
}

// TestReplacedCertificateWhileServing replaces the certificate during a call: its connection then serves no other.
func TestReplacedCertificateWhileServing(t *testing.T) {
	heard, goOn := make(chan struct{}, 2), make(chan struct{})
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		heard <- struct{}{}
		<-goOn
		answer(200, pendingBody)(w, r)
	})
	dir := t.TempDir()
	old, fresh := relyingParty(), relyingParty()
	o := p.options()
	o.Certificate = CertificateSource{}
	o.Certificate.CertFile, o.Certificate.KeyFile = writePEM(t, dir, old, time.Now().Add(-time.Hour))
	a := newAPI(t, o)
	ended := make(chan error)
	collect := func() error { _, err := a.Collect(t.Context(), secret.New(testRef)); return err }
	go func() { ended <- collect() }()
	<-heard
	writePEM(t, dir, fresh, time.Now())
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if err := errors.Join(<-ended, collect()); err != nil {
		t.Fatal(err)
	}
	if got := p.lastSerial(); got != fresh.Leaf.SerialNumber.String() {
		t.Errorf("the next call came with certificate %s", got)
	}
}
