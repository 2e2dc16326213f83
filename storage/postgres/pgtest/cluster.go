package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"brygga/freeport"
)

// Cluster is a few PostgreSQL servers of which Patroni makes one the primary and another its synchronous standby, so that a write that
// was acknowledged is on two. Its arbiter is one etcd. All of it runs on loopback and ends as a Server does. Its methods are for one
// goroutine, but for DSN.
type Cluster struct {
	*home
	password string
	etcd     int // its port
	Nodes    []*Node
}

// Node is one server of a cluster, with its Patroni.
type Node struct {
	Name     string
	cluster  *Cluster
	port     int
	restPort int
	patroni  *exec.Cmd
}

// StartCluster starts as many servers and returns when they replicate. Debian's packages patroni and etcd-server have to be installed. The
// caller closes the cluster.
func StartCluster(ctx context.Context, nodes int) (*Cluster, error) {
	h, err := newHome()
	if err != nil {
		return nil, err
	}
	c := &Cluster{home: h, password: rand.Text()}
	if err := c.begin(ctx, nodes); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) begin(ctx context.Context, nodes int) error {
	if err := c.startEtcd(); err != nil {
		return err
	}
	for i := range nodes {
		port, err := freeport.Row(2)
		if err != nil {
			return err
		}
		n := &Node{Name: "node" + strconv.Itoa(i+1), cluster: c, port: port, restPort: port + 1}
		c.Nodes = append(c.Nodes, n)
		dir := filepath.Join(c.dir, n.Name)
		if err := errors.Join(os.Mkdir(dir, 0o700), c.own(dir), n.configure(), n.Start()); err != nil {
			return err
		}
	}
	_, err := c.Settled(ctx)
	return err
}

// startEtcd starts the arbiter.
func (c *Cluster) startEtcd() error {
	client, err := freeport.Row(2)
	if err != nil {
		return err
	}
	c.etcd = client
	at := func(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }
	return c.start(c.command("etcd", "--data-dir="+filepath.Join(c.dir, "etcd"), "--name=arbiter", "--listen-client-urls="+at(client), "--advertise-client-urls="+at(client),
		"--listen-peer-urls="+at(client+1), "--initial-advertise-peer-urls="+at(client+1), "--initial-cluster=arbiter="+at(client+1)), "etcd.log")
}

// start starts a command that writes to the log. The log goes with the home, so a test that fails shows it before.
func (c *Cluster) start(command *exec.Cmd, log string) error {
	out, err := os.OpenFile(filepath.Join(c.dir, log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	command.Stdout, command.Stderr = out, out
	return command.Start()
}

// configuration is Patroni's, with as little time before a fail-over as it allows (ttl). JSON is YAML.
func (n *Node) configuration() map[string]any {
	type m = map[string]any
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(n.port))
	rest := net.JoinHostPort("127.0.0.1", strconv.Itoa(n.restPort))
	dir := filepath.Join(n.cluster.dir, n.Name)
	account := func(name string) m { return m{"username": name, "password": n.cluster.password} }
	return m{
		"scope": "brygga", "name": n.Name,
		"restapi": m{"listen": rest, "connect_address": rest},
		"etcd3":   m{"host": net.JoinHostPort("127.0.0.1", strconv.Itoa(n.cluster.etcd))},
		"bootstrap": m{
			"dcs": m{
				"ttl": 20, "loop_wait": 2, "retry_timeout": 5, "synchronous_mode": true,
				"postgresql": m{"use_pg_rewind": true, "parameters": m{"max_connections": 200, "shared_buffers": "64MB"}},
			},
			"initdb": []any{m{"encoding": "UTF8"}, m{"locale": "C.UTF-8"}, "data-checksums"},
		},
		"postgresql": m{
			"listen": address, "connect_address": address, "data_dir": filepath.Join(dir, "data"), "bin_dir": n.cluster.programs, "pgpass": filepath.Join(dir, "pgpass"),
			"authentication": m{"superuser": account("postgres"), "replication": account("replicator"), "rewind": account("rewinder")},
			"parameters":     m{"unix_socket_directories": dir},
			"pg_hba":         []string{"host all all 127.0.0.1/32 scram-sha-256", "host replication replicator 127.0.0.1/32 scram-sha-256", "local all all scram-sha-256"},
		},
	}
}

func (n *Node) configure() error {
	text, err := json.Marshal(n.configuration())
	if err != nil {
		return err
	}
	return n.cluster.write(filepath.Join(n.Name, "patroni.yml"), text)
}

// Start starts the node's Patroni, which starts the server: as a standby, if there is another primary.
func (n *Node) Start() error {
	n.patroni = n.cluster.command("patroni", filepath.Join(n.cluster.dir, n.Name, "patroni.yml"))
	return n.cluster.start(n.patroni, n.Name+".log")
}

// Kill ends the node's Patroni and its server with SIGKILL, as if its machine had failed.
func (n *Node) Kill() error {
	if err := n.patroni.Process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	n.patroni.Wait() // says that it was killed
	return killPostmaster(filepath.Join(n.cluster.dir, n.Name, "data"))
}

// DSN returns the connection string that leads to whichever server is the primary.
func (c *Cluster) DSN(database string) string {
	hosts := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		hosts[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(n.port))
	}
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", c.password), Host: strings.Join(hosts, ","), Path: "/" + database,
		RawQuery: "sslmode=disable&target_session_attrs=read-write&connect_timeout=3",
	}
	return address.String()
}

// Settled waits until the cluster has a primary, and all others follow it, one of them synchronously. It returns the primary.
func (c *Cluster) Settled(ctx context.Context) (*Node, error) {
	for {
		primary, why := c.look(ctx)
		if primary != nil {
			return primary, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("pgtest: the cluster does not settle: %s", why)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// look returns the primary of a settled cluster, or what it lacks.
func (c *Cluster) look(ctx context.Context) (primary *Node, why string) {
	var members struct {
		Members []struct {
			Name, Role, State string
			Lag               any // of those who follow: bytes, or a word
		}
	}
	text, err := c.ask(ctx)
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	if err != nil {
		return nil, err.Error()
	}
	synchronous, following := 0, 0
	for _, m := range members.Members {
		_, known := m.Lag.(float64)
		switch {
		case m.Role == "leader" && m.State == "running":
			primary = c.named(m.Name)
		case known && (m.State == "running" || m.State == "streaming"):
			following++
			if m.Role == "sync_standby" {
				synchronous++
			}
		}
	}
	if primary == nil || synchronous == 0 || following < len(c.Nodes)-1 {
		return nil, string(text)
	}
	return primary, ""
}

func (c *Cluster) named(name string) *Node {
	for _, n := range c.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// ask returns what the first Patroni that answers says of the cluster.
func (c *Cluster) ask(ctx context.Context) (text []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, n := range c.Nodes {
		if text, err = n.ask(ctx); err == nil {
			return text, nil
		}
	}
	return nil, err
}

func (n *Node) ask(ctx context.Context) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/cluster", n.restPort), nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

// Logs returns what the programs of the cluster have written, for tests that fail.
func (c *Cluster) Logs() string {
	all := new(strings.Builder)
	logs, _ := filepath.Glob(filepath.Join(c.dir, "*.log"))
	for _, log := range logs {
		text, err := os.ReadFile(log)
		fmt.Fprintf(all, "== %s %v\n%s\n", filepath.Base(log), err, text[max(0, len(text)-4000):])
	}
	return all.String()
}
