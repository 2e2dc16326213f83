package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/cmd/brygga/config"
	"brygga/keys"
	"brygga/storage/postgres/pgtest"
)

// nodeLogins names the environment variable for a long run: how many people log in. Without it a few do.
const nodeLogins = "BRYGGA_TEST_NODE_LOGINS"

// travelTime is how long people take at most.
const travelTime = 10 * time.Minute

// node is one brygga of several on one database.
type node struct {
	address, configuration string

	mu      sync.Mutex
	process *exec.Cmd
}

// cluster is several nodes with a proxy before them that sends each request to any of them.
type cluster struct {
	t     *testing.T
	nodes []*node
	proxy *httptest.Server
	// toNode gives up on a node that is stopped.
	toNode *http.Client
}

func (n *node) start(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: self, Args: []string{"brygga", "serve", "--config", n.configuration}, Stderr: os.Stderr}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	n.process = cmd
	n.mu.Unlock()
}

// ready waits until the node answers.
func (n *node) ready(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(2 * patience); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get("http://" + n.address + "/healthz")
		if err == nil {
			response.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a node does not answer: %v", err)
		}
	}
}

// asProcess returns what starts a node as a process of its own.
func asProcess(t *testing.T) func(i int, n *node) {
	return func(_ int, n *node) {
		n.start(t)
		t.Cleanup(n.kill)
	}
}

func (n *node) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil {
		n.process.Process.Kill()
		n.process.Wait()
		n.process = nil
	}
}

func (n *node) signal(s os.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil {
		n.process.Process.Signal(s)
	}
}

// newCluster starts so many nodes on one database.
func newCluster(t *testing.T, count int, dsn, phoneDir, api, callback string, start func(i int, n *node)) *cluster {
	t.Helper()
	c := &cluster{t: t, toNode: &http.Client{
		Transport:     &http.Transport{ResponseHeaderTimeout: 3 * time.Second, MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	c.proxy = httptest.NewServer(http.HandlerFunc(c.forward))
	t.Cleanup(c.proxy.Close)
	issuer := strings.Replace(c.proxy.URL, "127.0.0.1", "localhost", 1)
	key := keys.NewMasterKey().Reveal()
	for i := range count {
		n := &node{address: "127.0.0.1:" + freePort(t), configuration: filepath.Join(phoneDir, fmt.Sprintf("node%d.yaml", i))}
		text := strings.NewReplacer("ISSUER", issuer, "LISTEN", n.address, "API", api, "CALLBACK", callback, "KEY", key, "DSN", dsn, "DATA", fmt.Sprintf("data%d", i)).Replace(`
issuer: ISSUER
listen: LISTEN
admin_listen: 127.0.0.1:0
trusted_proxies: [127.0.0.1/32]
data: DATA
master_key: KEY
postgres: {dsn: 'DSN', max_connections: 8}
log: {level: error}
limits: {requests_per_address: 1000000, requests_per_client: 1000000}
login: {logins_per_address: 100000, orders_per_address: 100000, orders_per_client: 100000}
bankid: {environment: custom, url: 'API', root_ca_file: sim/ca.pem, signature_root_file: sim/signature-root.pem, certificate_file: sim/client.pem, key_file: sim/client-key.pem}
clients: [{id: app, auth_method: none, redirect_uris: ['CALLBACK'], scopes: [offline_access]}]
`)
		if err := os.WriteFile(n.configuration, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		start(i, n)
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		n.ready(t)
	}
	return c
}

// forward hands the request to a node, and to the next one when that cannot be connected to.
func (c *cluster) forward(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	for _, i := range rand.Perm(len(c.nodes)) {
		request := r.Clone(r.Context())
		request.URL.Scheme, request.URL.Host, request.RequestURI = "http", c.nodes[i].address, ""
		request.Header.Set("X-Forwarded-For", "192.0.2.1")
		request.Body = io.NopCloser(bytes.NewReader(body))
		response, err := c.toNode.Do(request)
		if _, unreached := errors.AsType[*net.OpError](err); unreached && strings.Contains(err.Error(), "connect") {
			continue
		}
		if err != nil {
			w.WriteHeader(http.StatusBadGateway) // nobody knows what the node has done
			return
		}
		defer response.Body.Close()
		for name, values := range response.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(response.StatusCode)
		io.Copy(w, response.Body)
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

// disturb kills, stops and starts nodes, one at a time, until ctx is done. Each comes back.
func (c *cluster) disturb(ctx context.Context, paused time.Duration) (killed, stopped int) {
	wait := func(d time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
	for round := 0; ctx.Err() == nil; round++ {
		n := c.nodes[rand.IntN(len(c.nodes))]
		wait(time.Duration(300+rand.IntN(900)) * time.Millisecond)
		if ctx.Err() != nil {
			return killed, stopped
		}
		if round%3 == 2 {
			n.signal(syscall.SIGSTOP)
			wait(paused)
			n.signal(syscall.SIGCONT)
			stopped++
			continue
		}
		n.kill()
		killed++
		wait(time.Duration(rand.IntN(1500)) * time.Millisecond)
		n.start(c.t)
		n.ready(c.t)
	}
	return killed, stopped
}

// TestNodes: people log in through three nodes on one database, any of which may get any request, while nodes are killed, stopped and started.
// Everybody gets in, no code is good twice, and the database says what the ledger says.
func TestNodes(t *testing.T) {
	t.Parallel()
	people, paused := 12, 6*time.Second
	if text := os.Getenv(nodeLogins); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		people, paused = n, 30*time.Second
	}
	dir := t.TempDir()
	sim, api, phone := serveSim(t, filepath.Join(dir, "sim"))
	const callback = "http://localhost:9/callback"
	dsn := pgtest.Database(t)
	c := newCluster(t, 3, dsn, dir, api, callback, asProcess(t))
	issuer := strings.Replace(c.proxy.URL, "127.0.0.1", "localhost", 1)

	ctx, cancel := context.WithTimeout(t.Context(), travelTime)
	defer cancel()
	chaos, calm := context.WithCancel(ctx)
	var disturbing, travelling sync.WaitGroup
	var killed, stopped int
	disturbing.Go(func() { killed, stopped = c.disturb(chaos, paused) })

	type outcome struct {
		code     string
		good     int // exchanges that the app knows to have succeeded
		unknown  bool
		retries  int
		problems []string
	}
	outcomes := make([]outcome, people)
	gate := make(chan struct{}, 40)
	for i := range people {
		travelling.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			o := &outcomes[i]
			v := newTraveller(t, issuer, callback, phone, addPerson(t, sim, i))
			var err error
			if o.code, err = v.logIn(ctx); err != nil {
				o.problems = append(o.problems, err.Error())
				return
			}
			o.retries = v.retries
			var racing sync.WaitGroup
			var mu sync.Mutex
			for range 3 { // of three at once one gets tokens
				racing.Go(func() {
					tokens, status := v.exchange(ctx, o.code)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case status == http.StatusOK && tokens["id_token"] != nil:
						o.good++
					case status != http.StatusBadRequest:
						o.unknown = true
					}
				})
			}
			racing.Wait()
			if o.good > 1 {
				o.problems = append(o.problems, fmt.Sprintf("the code was good %d times", o.good))
			}
			if o.good == 0 && !o.unknown {
				o.problems = append(o.problems, "nobody got tokens for the code")
			}
		})
	}
	travelling.Wait()
	calm()
	disturbing.Wait()
	for _, n := range c.nodes {
		n.signal(syscall.SIGCONT)
		n.ready(t)
	}
	retries, unknown, good := 0, 0, 0
	for i, o := range outcomes {
		for _, problem := range o.problems {
			t.Errorf("person %d: %s", i, problem)
		}
		retries += o.retries
		if o.unknown {
			unknown++
		}
		if o.good == 0 { // no answer came, so the code may be good still
			continue
		}
		good++
		v := newTraveller(t, issuer, callback, phone, person)
		if tokens, status := v.exchange(ctx, o.code); status != http.StatusBadRequest {
			t.Errorf("person %d: the code is good again: %d, %v", i, status, tokens)
		}
	}
	t.Logf("%d people, %d nodes killed, %d stopped, %d orders begun again, %d exchanges without an answer", people, killed, stopped, retries, unknown)
	if killed == 0 {
		t.Error("no node was killed: the test proves nothing")
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var pending, spent, completed int
	if err := conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM logins WHERE collector IS NOT NULL), (SELECT count(*) FROM codes WHERE spent IS NOT NULL),
		(SELECT count(*) FROM audit_events WHERE body->>'type' = 'WEB_100002')`).Scan(&pending, &spent, &completed); err != nil {
		t.Fatal(err)
	}
	if pending != 0 || spent < good || spent > people || completed < people {
		t.Errorf("the database has %d pending orders, %d spent codes of at least %d, and %d completed logins of %d people", pending, spent, good, completed, people)
	}
}

// TestClocksDiffer: two nodes, of which one is two seconds behind and the other two ahead, show the same QR frame of an order at the same time,
// and take each other's codes.
func TestClocksDiffer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sim, api, phone := serveSim(t, filepath.Join(dir, "sim"))
	const callback = "http://localhost:9/callback"
	var servers sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() {
		stop()
		servers.Wait()
	})
	c := newCluster(t, 2, pgtest.Database(t), dir, api, callback, func(i int, n *node) {
		wrong := time.Duration(4*i-2) * time.Second
		configuration, err := config.Load(n.configuration, nil)
		if err != nil {
			t.Fatal(err)
		}
		quiet := slog.New(slog.DiscardHandler)
		servers.Go(func() {
			if err := serve(ctx, serverOptions{config: configuration, logs: logs{log: quiet, events: quiet}, now: func() time.Time { return time.Now().Add(wrong) }}); err != nil {
				t.Errorf("node %d: %v", i, err)
			}
		})
	})
	issuer := strings.Replace(c.proxy.URL, "127.0.0.1", "localhost", 1)
	v := newTraveller(t, issuer, callback, phone, addPerson(t, sim, 100))
	login := v.begin(t.Context())
	v.try(t.Context(), http.MethodPost, login+"/start", url.Values{"device": {"other"}})
	apart := -1
	for deadline := time.Now().Add(patience); apart < 0 || apart > 1; time.Sleep(50 * time.Millisecond) { // on a busy machine a second may pass between the two
		one, other := v.second(t.Context(), c.nodes[0], login), v.second(t.Context(), c.nodes[1], login)
		if one >= 0 && other >= 0 {
			apart = max(one-other, other-one)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the frames of two nodes are %d seconds apart", apart)
		}
	}
	// What clocks do to an order they do to every one; what a busy moment does, not.
	straight := 0
	for i := 0; i < 4 && straight < 2; i++ {
		v := newTraveller(t, issuer, callback, phone, addPerson(t, sim, i))
		code, err := v.logIn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if tokens, status := v.exchange(t.Context(), code); status != http.StatusOK || tokens["id_token"] == nil {
			t.Errorf("login %d: token = %d", i, status)
		}
		if v.retries > 0 {
			t.Logf("login %d: an order had to be begun again: %s", i, v.failure)
		} else {
			straight++
		}
	}
	if straight < 2 {
		t.Errorf("of four logins %d had no order that was to be begun again, want two", straight)
	}
	for kind, n := range sim.Misuse().Counts {
		if n != 0 {
			t.Errorf("BankID was misused %d times: %s", n, kind)
		}
	}
}
