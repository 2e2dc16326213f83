package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

// server is an SMTP server that keeps what it is given.
type server struct {
	mu       sync.Mutex
	messages []string // guarded by mu, as are the others
	to       []string
	refuse   *smtp.SMTPError
}

type connection struct {
	*server
	authenticated bool
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &connection{server: s}, nil }

func (c *connection) AuthMechanisms() []string { return []string{sasl.Plain} }

func (c *connection) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "brygga" || password != "hemligt" {
			return smtp.ErrAuthFailed
		}
		c.authenticated = true
		return nil
	}), nil
}

func (c *connection) Mail(string, *smtp.MailOptions) error {
	if !c.authenticated {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (c *connection) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		return c.refuse
	}
	c.to = append(c.to, to)
	return nil
}

func (c *connection) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = append(c.messages, string(text))
	return err
}

func (c *connection) Reset()        {}
func (c *connection) Logout() error { return nil }

// start starts the server on loopback, and returns a sender to it.
func start(t *testing.T, s *server) *SMTP {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	listening := smtp.NewServer(s)
	listening.Domain, listening.TLSConfig = "localhost", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go listening.Serve(listener)
	t.Cleanup(func() { listening.Close() })
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	sender, err := NewSMTP(SMTPOptions{
		Host: "localhost", Port: listener.Addr().(*net.TCPAddr).Port, TLS: StartTLS, User: "brygga", Password: secret.New("hemligt"), From: "Brygga på väg <brygga@example.se>", RootCAs: roots,
	})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

type queue struct {
	storage.Store
	*testing.T
	at time.Time
}

func newQueue(t *testing.T) *queue {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "store"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &queue{store, t, time.Date(2031, 5, 17, 9, 30, 0, 0, time.UTC)}
}

func message(id, kind string, values ...string) storage.Mail {
	m := storage.Mail{ID: id, Kind: kind, Language: "sv", To: secret.New("asa@example.se"), Values: map[string]secret.String{"name": secret.New("Åsa Öberg"), "user": secret.New("asa")}}
	for i := 0; i < len(values); i += 2 {
		m.Values[values[i]] = secret.New(values[i+1])
	}
	return m
}

func (q *queue) put(m storage.Mail) {
	q.Helper()
	m.Created, m.Due, m.Expires = q.at, q.at, q.at.Add(3*24*time.Hour)
	_, err := q.StepOperator(q.Context(), storage.ClearThrottle{}, q.at, func(*storage.OperatorOutcome) storage.OperatorNews {
		return storage.OperatorNews{Mail: []storage.Mail{m}}
	})
	if err != nil {
		q.Fatal(err)
	}
}

func (q *queue) waiting() int {
	q.Helper()
	n, err := q.PendingMail(q.Context())
	if err != nil {
		q.Fatal(err)
	}
	return n
}

func (q *queue) courier(sender Sender) *Courier {
	q.Helper()
	texts, err := ReadTexts(nil)
	if err != nil {
		q.Fatal(err)
	}
	now := func() time.Time { return q.at }
	log, err := audit.New(audit.Options{Store: q.Store, PseudonymKey: make([]byte, 32), Now: now})
	if err != nil {
		q.Fatal(err)
	}
	c, err := New(Options{Queue: q.Store, Sender: sender, Texts: texts, Service: "Inloggning Exempel", Audit: log, Now: now})
	if err != nil {
		q.Fatal(err)
	}
	return c
}

// parts returns the headers of a message and its bodies by media type.
func parts(t *testing.T, raw string) (netmail.Header, map[string]string) {
	t.Helper()
	parsed, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for reader := multipart.NewReader(parsed.Body, parameters["boundary"]); ; {
		p, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parsed.Header, bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		bodies[kind] = string(body)
	}
}

func TestServerReceives(t *testing.T) {
	s, q := &server{}, newQueue(t)
	c := q.courier(start(t, s))
	const link = "https://login.example.se/admin/account/invite?token=abc.def&x=1"
	q.put(message("m1", "invite", "link", link, "expires", "2031-05-20 09:30 UTC"))
	if n := c.round(t.Context()); n != 1 || q.waiting() != 0 || len(s.messages) != 1 {
		t.Fatalf("claimed %d, %d wait, %d arrived", n, q.waiting(), len(s.messages))
	}
	header, bodies := parts(t, s.messages[0])
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil || subject != "Ditt konto hos Inloggning Exempel" {
		t.Errorf("subject %q, %v", subject, err)
	}
	from, err := header.AddressList("From")
	if err != nil || from[0].Address != "brygga@example.se" || from[0].Name != "Brygga på väg" {
		t.Errorf("from %v, %v", from, err)
	}
	if header.Get("Message-Id") != "<m1@example.se>" || header.Get("Auto-Submitted") != "auto-generated" || s.to[0] != "asa@example.se" {
		t.Errorf("headers %v to %v", header, s.to)
	}
	if text := bodies["text/plain"]; !strings.Contains(text, "Hej Åsa Öberg!") || !strings.Contains(text, "\r\n"+link+"\r\n") && !strings.Contains(text, "\n"+link+"\n") {
		t.Errorf("text: %q", text)
	}
	if html := bodies["text/html"]; !strings.Contains(html, `href="https://login.example.se/admin/account/invite?token=abc.def&amp;x=1"`) || !strings.Contains(html, "Öppna länken") {
		t.Errorf("page: %s", html)
	}
}

// TestDownServerLosesNoMail: what cannot be handed over waits longer and longer, and goes when the server is back.
func TestDownServerLosesNoMail(t *testing.T) {
	s, q := &server{refuse: &smtp.SMTPError{Code: 451, Message: "later"}}, newQueue(t)
	down, err := NewSMTP(SMTPOptions{Host: "127.0.0.1", Port: 1, TLS: NoTLS, From: "brygga@example.se"})
	if err != nil {
		t.Fatal(err)
	}
	up := start(t, s)
	q.put(message("m1", "locked", "time", "now"))
	q.put(message("m2", "locked", "time", "now"))
	for i, sender := range []Sender{down, up, up} {
		c := q.courier(sender)
		for range 3 {
			c.round(t.Context())
		}
		if q.waiting() != 2 || len(s.messages) != 0 {
			t.Fatalf("round %d: %d wait", i, q.waiting())
		}
		q.at = q.at.Add(retry(i+1) - time.Second)
		if n := c.round(t.Context()); n != 0 {
			t.Errorf("round %d: tried again too soon", i)
		}
		q.at = q.at.Add(time.Second)
	}
	s.mu.Lock()
	s.refuse = nil
	s.mu.Unlock()
	c := q.courier(up)
	for range 3 {
		c.round(t.Context())
	}
	if q.waiting() != 0 || len(s.messages) != 2 {
		t.Errorf("%d wait, %d arrived", q.waiting(), len(s.messages))
	}
	if retry(1) <= patience || retry(1000) != lastRetry {
		t.Error("a message is claimed again while it may still be under way, or never")
	}
}

func TestRefusedMailIsGivenUp(t *testing.T) {
	s, q := &server{refuse: &smtp.SMTPError{Code: 550, Message: "no such asa@example.se"}}, newQueue(t)
	c := q.courier(start(t, s))
	q.put(message("m1", "locked", "time", "now"))
	c.round(t.Context())
	events, err := q.AuditEvents(t.Context(), time.Time{}, q.at.Add(time.Hour), 10)
	if err != nil || q.waiting() != 0 || len(events) != 1 || audit.Type(events[0].Type) != audit.MailGivenUp {
		t.Fatalf("%d wait, events %v, %v", q.waiting(), events, err)
	}
	if fmt.Sprint(events[0].Fields) != "map[MESSAGE:550 OBJECT:locked]" {
		t.Errorf("the event says %v", events[0].Fields)
	}
}

// TestNothingWithoutTLS: a server that speaks no TLS gets neither the message nor the password.
func TestNothingWithoutTLS(t *testing.T) {
	s := &server{}
	plain := smtp.NewServer(s)
	plain.AllowInsecureAuth = true
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go plain.Serve(listener)
	t.Cleanup(func() { plain.Close() })
	for _, protected := range []string{StartTLS, TLS} {
		sender, err := NewSMTP(SMTPOptions{Host: "localhost", Port: listener.Addr().(*net.TCPAddr).Port, TLS: protected, User: "brygga", Password: secret.New("hemligt"), From: "brygga@example.se"})
		if err != nil {
			t.Fatal(err)
		}
		if err := sender.Send(t.Context(), &Message{ID: "m", To: "asa@example.se", Subject: "s", Text: "t", HTML: "h"}); err == nil || len(s.to) > 0 {
			t.Errorf("%s: the message went in the clear: %v", protected, err)
		}
	}
}

// TestNobodyWritesHeaders: neither what operators are called nor what browsers say of themselves begins another header, another part or a tag.
func TestNobodyWritesHeaders(t *testing.T) {
	s, q := &server{}, newQueue(t)
	c := q.courier(start(t, s))
	const evil = "x\r\nBcc: all@example.se\r\n\r\n<script>alert(1)</script>\u2028{link}"
	q.put(message("m1", "new-login", "name", evil, "agent", evil, "time", evil, "address", evil, "user", evil, "link", "https://evil.example"))
	c.o.Service = evil
	c.round(t.Context())
	if len(s.messages) != 1 || len(s.to) != 1 {
		t.Fatalf("%d arrived for %v", len(s.messages), s.to)
	}
	header, bodies := parts(t, s.messages[0])
	if header.Get("Bcc") != "" || strings.Contains(bodies["text/html"], "<script>") || strings.Contains(bodies["text/plain"], "evil.example") {
		t.Errorf("headers %v, text %q", header, bodies["text/plain"])
	}
	for _, to := range []string{"asa@example.se\r\nBcc: all@example.se", "", "no address"} {
		err := c.o.Sender.Send(t.Context(), &Message{ID: "m", To: to, Subject: "s"})
		if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Code != 553 {
			t.Errorf("to %q: %v", to, err)
		}
	}
	for _, from := range []string{"", "nobody", "a@b.se\r\nBcc: c@d.se"} {
		if _, err := NewSMTP(SMTPOptions{Host: "localhost", Port: 25, TLS: NoTLS, From: from}); err == nil {
			t.Errorf("from %q was taken", from)
		}
	}
}

func TestTexts(t *testing.T) {
	texts, err := ReadTexts(nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind := range kinds {
		for _, language := range Languages {
			m := message("m", kind, "link", "https://x.example/y?token=z", "expires", "later", "what", "password", "time", "now", "address", "192.0.2.7", "agent", "browser")
			m.Language = language
			rendered, err := texts.Render(&m, "Exempel")
			if err != nil || strings.ContainsAny(rendered.Subject+rendered.Text, "{}") || strings.Contains(rendered.Subject, "token") {
				t.Errorf("%s in %s: %v %+v", kind, language, err, rendered)
			}
		}
	}
	if len(texts.words["sv"]) != len(texts.words["en"]) {
		t.Error("a language lacks words")
	}
	own, err := ReadTexts(fstest.MapFS{"reset.sv.txt": {Data: []byte("Nytt lösen\r\n\r\nHej, {user}:\r\n\r\n{link}\r\n")}, "notes.md": {}})
	if err != nil {
		t.Fatal(err)
	}
	m := message("m", "reset", "link", "https://x.example/")
	if rendered, err := own.Render(&m, "Exempel"); err != nil || rendered.Subject != "Nytt lösen" || rendered.Text != "Hej, asa:\n\nhttps://x.example/\n" {
		t.Errorf("%+v, %v", rendered, err)
	}
	for name, content := range map[string]string{
		"reset.fi.txt": "S\n\n{link}", "other.sv.txt": "S\n\n{link}", "reset.sv.txt": "S\n\nno link", "invite.sv.txt": "S {link}\n\ntext {link}", "changed.sv.txt": "S\n\n{what} {password}",
		"locked.en.txt": "{time}", "reset.en.txt": strings.Repeat("x", maxText) + "\n{link}",
	} {
		if _, err := ReadTexts(fstest.MapFS{name: {Data: []byte(content)}}); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRun: what waits is sent without anybody asking, until the end.
func TestRun(t *testing.T) {
	s, q := &server{}, newQueue(t)
	q.put(message("m1", "locked", "time", "now"))
	q.put(message("m2", "locked", "time", "now"))
	c := q.courier(start(t, s))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	for q.waiting() > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	<-done
	if len(s.messages) != 2 {
		t.Errorf("%d arrived", len(s.messages))
	}
}
