package evidence

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"brygga/audit/tree"
	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// simulator is shared by the tests, as its keys are slow to make.
var simulator = sync.OnceValue(func() *bankidsim.Simulator { return must(bankidsim.New(bankidsim.Options{RPName: "Exempeltjänsten"})) })

const signer = "198502039822"

// signed runs a sign order at the simulator, by the real client over mutual TLS, and returns what is known of it afterwards.
func signed(t testing.TB, text string, format bankid.DataFormat, data []byte) *Record {
	t.Helper()
	return completed(t, bankid.KindSign, text, format, data, func(api *bankid.API, request bankid.AuthRequest) (bankid.Order, error) {
		return api.Sign(t.Context(), bankid.SignRequest(request))
	})
}

// completed is signed for an order of that kind, which start makes.
func completed(t testing.TB, kind bankid.Kind, text string, format bankid.DataFormat, data []byte, start func(*bankid.API, bankid.AuthRequest) (bankid.Order, error)) *Record {
	t.Helper()
	s := simulator()
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	server, done := s.APIServer(), make(chan struct{})
	go func() { defer close(done); server.ServeTLS(l, "", "") }()
	certificate := s.ClientCertificate().TLS
	api := must(bankid.New(bankid.Options{
		BaseURL: "https://" + l.Addr().String() + "/rp/v6.0", Certificate: bankid.CertificateSource{TLS: &certificate}, RootCAsPEM: s.ServerRootPEM(),
	}))
	defer func() { api.Close(); server.Close(); <-done }()
	sent := bankid.Expected{
		Kind: kind, UserVisibleData: text, UserVisibleDataFormat: format, UserNonVisibleData: data,
		CertificatePolicies: []string{bankid.PolicyTestMobile}, RelyingParty: api.RelyingParty(), StartedAt: time.Now().Truncate(time.Microsecond),
	}
	order := must(start(api, bankid.AuthRequest{
		EndUserIP: netip.MustParseAddr("192.0.2.1"), UserVisibleData: text, UserVisibleDataFormat: format, UserNonVisibleData: data,
		Requirement: bankid.Requirement{CertificatePolicies: sent.CertificatePolicies},
	}))
	must(s.Open(bankidsim.Pickup{AutoStartToken: order.AutoStartToken.Reveal(), PersonalNumber: signer}))
	must(s.Sign(order.OrderRef.Reveal(), bankidsim.Approval{}))
	order = must(order.Next(must(api.Collect(t.Context(), order.OrderRef))))
	sent.EndedAt = time.Now().Truncate(time.Microsecond)
	return &Record{
		ID: "0193", Issuer: "https://login.example.se", Client: Client{"portal", "Portalen"}, Transaction: "txn-1", Method: "bankid",
		Sent: sent, Person: order.CompletionData.User, Signature: order.CompletionData.Signature, OCSPResponse: order.CompletionData.OCSPResponse,
		Root: simulatorRoot().Raw,
	}
}

func simulatorRoot() *x509.Certificate {
	block, _ := pem.Decode(must(simulator().SignatureRootPEM()))
	return must(x509.ParseCertificate(block.Bytes))
}

// auditLog is a real log in a store, with its key.
type auditLog struct {
	store storage.Store
	tree  *tree.Tree
	key   *tree.Key
	at    time.Time
}

func newLog(t testing.TB) *auditLog {
	t.Helper()
	store := must(bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{}))
	t.Cleanup(func() { store.Close() })
	key := must(tree.ReadKey(must(tree.NewKey("https://login.example.se"))))
	l := &auditLog{store: store, key: key, at: time.Now().UTC().Truncate(time.Microsecond)}
	l.tree = must(tree.New(tree.Options{Store: store, Key: key, Now: func() time.Time { return l.at.Add(time.Minute) }}))
	return l
}

// prove writes the event of a record's completion, among others, and returns the proof that it is in the log.
func (l *auditLog) prove(t testing.TB, line []byte, fields map[string]string) *tree.Proof {
	t.Helper()
	l.at = l.at.Add(time.Hour)
	at := l.at
	var events []storage.AuditEvent
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		events = append(events, storage.AuditEvent{ID: at.Format("150405.000000") + id, Time: at, Type: "WEB_100002", Fields: map[string]string{"TXN": id}, Expires: at.Add(time.Hour)})
	}
	events[2].Fields = fields
	if err := l.store.AppendAudit(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	must(l.tree.Grow(t.Context()))
	return must(l.tree.Prove(t.Context(), events[2:3]))
}

// authority is a time-stamping authority of the test.
type authority struct {
	root, leaf *x509.Certificate
	key        crypto.Signer
	above      *ecdsa.PrivateKey
}

// usages are those of certificates, by their OIDs.
var usages = map[x509.ExtKeyUsage]asn1.ObjectIdentifier{
	x509.ExtKeyUsageTimeStamping: {1, 3, 6, 1, 5, 5, 7, 3, 8}, x509.ExtKeyUsageServerAuth: {1, 3, 6, 1, 5, 5, 7, 3, 1},
}

func newAuthority(usage x509.ExtKeyUsage, critical bool) *authority {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	root := issue(&x509.Certificate{Subject: pkix.Name{CommonName: "Stamp Root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, key, key)
	return (&authority{root: root, above: key}).another(usage, critical)
}

// another returns an office of the same root.
func (a *authority) another(usage x509.ExtKeyUsage, critical bool) *authority {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	extension := pkix.Extension{Id: oidExtKeyUsage, Critical: critical, Value: must(asn1.Marshal([]asn1.ObjectIdentifier{usages[usage]}))}
	leaf := issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "Stamp Office"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{extension},
	}, a.root, key, a.above)
	return &authority{a.root, leaf, key, a.above}
}

func issue(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	template.SerialNumber = must(rand.Int(rand.Reader, big.NewInt(1<<62)))
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if parent == nil {
		parent = template
	}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by))))
}

// stamp returns a token for the hash of a line.
func (a *authority) stamp(line []byte) []byte { return a.stampBy(line, crypto.SHA256) }

// stampBy is stamp with a digest of the signature.
func (a *authority) stampBy(line []byte, digest crypto.Hash) []byte {
	hash := Hash(line)
	stamp := timestamp.Timestamp{
		HashAlgorithm: crypto.SHA256, HashedMessage: hash[:], Time: time.Now().UTC().Truncate(time.Second), AddTSACertificate: true, Policy: []int{1, 2, 3, 4},
	}
	return must(timestamp.ParseResponse(must(stamp.CreateResponseWithOpts(a.leaf, a.key, digest)))).RawToken
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return pool
}

// sample is evidence with all that may come along, and what verifies it.
type sample struct {
	file    *File
	anchors Anchors
	log     *auditLog
	office  *authority
}

// whole returns new evidence of a signed text.
func whole(t testing.TB) *sample {
	t.Helper()
	return wholeOf(t, signed(t, "Jag köper *en cykel* för 100 kr.\n", bankid.FormatSimpleMarkdownV1, []byte("contract 17")))
}

// wholeOf returns the record with all that may come along.
func wholeOf(t testing.TB, record *Record) *sample {
	t.Helper()
	s := &sample{file: &File{Record: record, Line: must(record.Line())}, log: newLog(t), office: newAuthority(x509.ExtKeyUsageTimeStamping, true)}
	s.file.Proof = s.log.prove(t, s.file.Line, fieldsOf(record, s.file.Line))
	s.file.Stamp = s.office.stamp(s.file.Line)
	s.anchors = Anchors{Roots: []*x509.Certificate{simulatorRoot()}, AuditKey: s.log.key.Public, StampRoots: s.office.pool()}
	return s
}

func fieldsOf(r *Record, line []byte) map[string]string {
	report := Verify(&File{Record: r, Line: line}, Anchors{})
	return map[string]string{HashField: report.SHA256, "CLIENT_ID": r.Client.ID, "TXN": r.Transaction}
}

// with returns the file with its record changed, and written as records are.
func (s *sample) with(change func(*Record)) *File {
	record, file := *s.file.Record, *s.file
	change(&record)
	file.Line = must(record.Line())
	file.Record = must(ReadRecord(file.Line))
	return &file
}

func replaced(in secret.String, change func(string) string) secret.String {
	return secret.New(change(in.Reveal()))
}
