package evidence

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"image"
	"image/png"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/audit/tree"
	"brygga/bankid"
	"brygga/netid"
	"brygga/netid/netidsim"
	"brygga/secret"
)

const cardHolder = "199001012385"

// cards is a Net iD Access of the test, with the client and the verifier for it.
type cards struct {
	sim      *netidsim.Simulator
	api      *netid.API
	verifier *netid.Verifier
	issuer   *x509.Certificate
}

func newCards(t testing.TB) *cards { return cardsOf(t, netid.FormatPKCS7) }

// cardsOf is newCards for an installation that is registered for signatures of a format.
func cardsOf(t testing.TB, format netid.Format) *cards {
	t.Helper()
	sim := must(netidsim.New(netidsim.Options{}))
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	server, done := sim.Server(), make(chan struct{})
	go func() { defer close(done); server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { server.Close(); <-done })
	own := sim.ClientCertificate().TLS
	api := must(netid.New(netid.Options{
		URL: "https://" + listener.Addr().String() + netidsim.ServicePath, Format: format,
		Profile: netid.Profile{RootCAsPEM: sim.ServerRootPEM(), Certificate: func() (*tls.Certificate, error) { return &own, nil }},
	}))
	t.Cleanup(api.Close)
	if format != netid.FormatPKCS7 {
		var logo bytes.Buffer
		if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 16, 16))); err != nil {
			t.Fatal(err)
		}
		must(api.Register(t.Context(), netid.Registration{Name: "Provkommunen", Image: logo.Bytes()}))
	}
	issuers := must(netid.ParseIssuers(sim.IssuerPEM()))
	return &cards{sim, api, must(netid.NewVerifier(netid.VerifierOptions{Issuers: issuers, Format: format})), issuers[0].Certificate}
}

// record runs an order, one to sign if there is a text, and returns what is kept of it.
func (c *cards) record(t testing.TB, text string, data []byte) *Record {
	t.Helper()
	salt, nonce := bytes.Repeat([]byte{7}, netid.SaltSize), ""
	started := time.Now().UTC().Truncate(time.Microsecond)
	request, kind := netid.AuthenticateRequest{}, bankid.KindSign
	var order netid.Order
	if text == "" {
		salt, nonce, kind = nil, base64.StdEncoding.EncodeToString(salt), bankid.KindAuth
		request.NonVisible = nonce
		order = must(c.api.Authenticate(t.Context(), request))
	} else {
		request.NonVisible = netid.Layout{}.Hidden(salt, text, data)
		order = must(c.api.Sign(t.Context(), netid.SignRequest{AuthenticateRequest: request, Visible: text}))
	}
	must(c.sim.Open(order.Ref.Reveal(), cardHolder))
	must(c.sim.Sign(order.Ref.Reveal()))
	result := must(c.api.Collect(t.Context(), order.Ref)).Result
	r := &Record{
		ID: "0195", Issuer: "https://login.example.se", Client: Client{"portal", "Portalen"}, Transaction: "txn-1",
		Sent: bankid.Expected{Kind: kind, UserVisibleData: text, UserNonVisibleData: data, StartedAt: started, EndedAt: time.Now().UTC().Truncate(time.Microsecond)},
	}
	proof := must(c.verifier.Verify(result, netid.Expected{Visible: text, NonVisible: request.NonVisible, StartedAt: started}))
	if err := r.AddNetID(salt, nonce, result, &proof, c.verifier.Options()); err != nil {
		t.Fatal(err)
	}
	return r
}

// wholeNetID is new evidence by Net iD, with all that may come along, and what verifies it.
func wholeNetID(t testing.TB, c *cards, text string, data []byte) *sample {
	t.Helper()
	record := c.record(t, text, data)
	s := &sample{file: &File{Record: record, Line: must(record.Line())}, log: newLog(t), office: newAuthority(x509.ExtKeyUsageTimeStamping, true)}
	s.file.Record = must(ReadRecord(s.file.Line))
	s.file.Proof = s.log.prove(t, s.file.Line, fieldsOf(record, s.file.Line))
	s.file.Stamp = s.office.stamp(s.file.Line)
	s.anchors = Anchors{Issuers: []*x509.Certificate{c.issuer}, AuditKey: s.log.key.Public, StampRoots: s.office.pool()}
	return s
}

// in changes a record of Net iD, whose own part it copies.
func (s *sample) inNetID(change func(*Record, *NetID)) *File {
	return s.with(func(r *Record) {
		own := *r.NetID
		r.NetID = &own
		change(r, &own)
	})
}

const soldText = "Jag köper en cykel för 100 kr."

// netIDChanges are falsified files, each with the check that refuses it.
func netIDChanges(t testing.TB, c *cards, s *sample) map[string]change {
	t.Helper()
	other, login := wholeNetID(t, c, "Jag säljer en båt.", []byte("contract 18")), wholeNetID(t, c, "", nil)
	otherCards := newCards(t)
	foreign := otherCards.record(t, soldText, []byte("contract 17"))
	in := s.inNetID
	check := func(c netid.Check) bankid.Check { return bankid.Check(c) }
	der := func(text secret.String, change func([]byte) []byte) secret.String {
		return secret.New(base64.StdEncoding.EncodeToString(change(must(base64.StdEncoding.DecodeString(text.Reveal())))))
	}
	swap := func(old, new string) func([]byte) []byte {
		return func(raw []byte) []byte {
			if !bytes.Contains(raw, []byte(old)) {
				t.Fatalf("the signature has no %q", old)
			}
			return bytes.Replace(raw, []byte(old), []byte(new), 1)
		}
	}
	last := func(raw []byte) []byte { raw[len(raw)-1] ^= 1; return raw }
	all := map[string]change{
		"another text":   {in(func(r *Record, _ *NetID) { r.Sent.UserVisibleData = "Jag köper en cykel för 900 kr." }), check(netid.CheckContent)},
		"a shorter text": {in(func(r *Record, _ *NetID) { r.Sent.UserVisibleData = "Jag köper" }), check(netid.CheckContent)},
		"a text that ends elsewhere": {in(func(r *Record, n *NetID) {
			r.Sent.UserVisibleData, n.Settings.Layout.Separator = "Jag köper en cykel", " för 100 kr."
		}), check(netid.CheckContent)},
		"a space more":                {in(func(r *Record, _ *NetID) { r.Sent.UserVisibleData += " " }), check(netid.CheckContent)},
		"no text":                     {in(func(r *Record, _ *NetID) { r.Sent.UserVisibleData = "" }), CheckRecord},
		"other data":                  {in(func(r *Record, _ *NetID) { r.Sent.UserNonVisibleData = []byte("contract 18") }), check(netid.CheckContent)},
		"no data":                     {in(func(r *Record, _ *NetID) { r.Sent.UserNonVisibleData = nil }), check(netid.CheckContent)},
		"another salt":                {in(func(_ *Record, n *NetID) { n.Salt = bytes.Repeat([]byte{8}, netid.SaltSize) }), check(netid.CheckContent)},
		"a short salt":                {in(func(_ *Record, n *NetID) { n.Salt = n.Salt[1:] }), CheckRecord},
		"no salt":                     {in(func(_ *Record, n *NetID) { n.Salt = nil }), CheckRecord},
		"a nonce beside the salt":     {in(func(_ *Record, n *NetID) { n.Nonce = base64.StdEncoding.EncodeToString(n.Salt) }), CheckRecord},
		"a format":                    {in(func(r *Record, _ *NetID) { r.Sent.UserVisibleDataFormat = bankid.FormatSimpleMarkdownV1 }), CheckRecord},
		"an identification of a text": {in(func(r *Record, _ *NetID) { r.Sent.Kind = bankid.KindAuth }), CheckRecord},
		"a telephone call":            {in(func(r *Record, _ *NetID) { r.Sent.Kind = bankid.KindPhoneSign }), CheckRecord},
		"a login's signature":         {in(func(r *Record, _ *NetID) { r.Signature = login.file.Record.Signature }), check(netid.CheckContent)},
		"another relying party":       {in(func(r *Record, _ *NetID) { r.Sent.RelyingParty.DisplayName = "Banken" }), CheckRecord},
		"kinds of eID":                {in(func(r *Record, _ *NetID) { r.Sent.CertificatePolicies = []string{"1.2.3.4"} }), CheckRecord},
		"a day too late": {in(func(r *Record, _ *NetID) {
			r.Sent.StartedAt, r.Sent.EndedAt = r.Sent.StartedAt.AddDate(0, 0, 1), r.Sent.EndedAt.AddDate(0, 0, 1)
		}), check(netid.CheckTime)},
		"a day too early": {in(func(r *Record, _ *NetID) {
			r.Sent.StartedAt, r.Sent.EndedAt = r.Sent.StartedAt.AddDate(0, 0, -1), r.Sent.EndedAt.AddDate(0, 0, -1)
		}), check(netid.CheckTime)},
		"no start":                      {in(func(r *Record, _ *NetID) { r.Sent.StartedAt = time.Time{} }), CheckRecord},
		"ended before it started":       {in(func(r *Record, _ *NetID) { r.Sent.EndedAt = r.Sent.StartedAt.Add(-time.Second) }), CheckRecord},
		"some seconds":                  {in(func(r *Record, _ *NetID) { r.Sent.StartedAt = r.Sent.StartedAt.Add(-time.Second) }), CheckLog},
		"another person":                {in(func(r *Record, _ *NetID) { r.Person.PersonalNumber = secret.New("198507309866") }), bankid.CheckPerson},
		"another name":                  {in(func(r *Record, _ *NetID) { r.Person.Name = secret.New("Eva Ek") }), bankid.CheckName},
		"another given name":            {in(func(r *Record, _ *NetID) { r.Person.GivenName = secret.New("Eva") }), bankid.CheckName},
		"another surname":               {in(func(r *Record, _ *NetID) { r.Person.Surname = secret.New("Ek") }), bankid.CheckName},
		"another person of the service": {in(func(_ *Record, n *NetID) { n.User.PersonalNumber = secret.New("198507309866") }), check(netid.CheckUserInfo)},
		"nobody of the service": {in(func(_ *Record, n *NetID) {
			n.User.PersonalNumber, n.User.UserID, n.User.UniqueName = secret.String{}, secret.String{}, secret.String{}
		}), check(netid.CheckUserInfo)},
		"another certificate":   {in(func(_ *Record, n *NetID) { n.User.Certificate = foreign.NetID.User.Certificate }), check(netid.CheckSigner)},
		"half a certificate":    {in(func(_ *Record, n *NetID) { n.User.Certificate = secret.New(n.User.Certificate.Reveal()[:80]) }), check(netid.CheckStructure)},
		"another client":        {in(func(r *Record, _ *NetID) { r.Client.ID = "shop" }), CheckLog},
		"another client's name": {in(func(r *Record, _ *NetID) { r.Client.Name = "Butiken" }), CheckLog},
		"no client":             {in(func(r *Record, _ *NetID) { r.Client.ID = "" }), CheckRecord},
		"another transaction":   {in(func(r *Record, _ *NetID) { r.Transaction = "txn-2" }), CheckLog},
		"another installation":  {in(func(r *Record, _ *NetID) { r.Issuer = "https://other.example.se" }), CheckLog},
		"BankID's method":       {in(func(r *Record, _ *NetID) { r.Method = "bankid" }), CheckRecord},
		"a method of nobody":    {in(func(r *Record, _ *NetID) { r.Method = "freja" }), CheckRecord},
		"no part of its own":    {s.with(func(r *Record) { r.NetID = nil }), CheckRecord},
		"no signature":          {in(func(r *Record, _ *NetID) { r.Signature = secret.String{} }), check(netid.CheckStructure)},
		"half a signature": {in(func(r *Record, _ *NetID) {
			r.Signature = der(r.Signature, func(raw []byte) []byte { return raw[:len(raw)/2] })
		}), check(netid.CheckStructure)},
		"another's signature": {in(func(r *Record, _ *NetID) { r.Signature = other.file.Record.Signature }), check(netid.CheckContent)},
		"a signature by a card of another issuer": {in(func(r *Record, n *NetID) {
			r.Signature, n.User.Certificate = foreign.Signature, foreign.NetID.User.Certificate
		}), check(netid.CheckIssuer)},
		"the signature's last bit": {in(func(r *Record, _ *NetID) { r.Signature = der(r.Signature, last) }), check(netid.CheckSignature)},
		"a bit of its certificate": {in(func(r *Record, _ *NetID) { r.Signature = der(r.Signature, swap("Provsson", "Provssom")) }), check(netid.CheckSigner)},
		"no answer":                {in(func(r *Record, _ *NetID) { r.OCSPResponse = secret.String{} }), check(netid.CheckOCSPMissing)},
		"another's answer":         {in(func(r *Record, _ *NetID) { r.OCSPResponse = foreign.OCSPResponse }), check(netid.CheckOCSPCertificate)},
		"half an answer": {in(func(r *Record, _ *NetID) {
			r.OCSPResponse = der(r.OCSPResponse, func(raw []byte) []byte { return raw[:len(raw)/2] })
		}), check(netid.CheckOCSPStructure)},
		"the answer's last bit": {in(func(r *Record, _ *NetID) { r.OCSPResponse = der(r.OCSPResponse, last) }), check(netid.CheckOCSPSignature)},
		"no root":               {in(func(r *Record, _ *NetID) { r.Root = nil }), CheckRoot},
		"another root":          {in(func(r *Record, _ *NetID) { r.Root = otherCards.issuer.Raw }), CheckRoot},
		"BankID's root":         {in(func(r *Record, _ *NetID) { r.Root = simulatorRoot().Raw }), CheckRoot},
		"the service's word for an answer": {in(func(r *Record, n *NetID) {
			r.OCSPResponse, n.Settings.Revocation = secret.String{}, netid.RevocationService
		}), CheckLog},
		"an answer of any age":   {in(func(_ *Record, n *NetID) { n.Settings.MaxOCSPAge = 365 * 24 * time.Hour }), CheckRecord},
		"any clock":              {in(func(_ *Record, n *NetID) { n.Settings.Skew = time.Hour }), CheckRecord},
		"bare signatures":        {in(func(_ *Record, n *NetID) { n.Settings.Format = netid.FormatRaw256 }), CheckRecord},
		"no way to be revoked":   {in(func(_ *Record, n *NetID) { n.Settings.Revocation = "never" }), CheckRecord},
		"another identifier":     {in(func(_ *Record, n *NetID) { n.Settings.Identifier = netid.FieldPrincipalName }), check(netid.CheckIdentifier)},
		"another layout":         {in(func(_ *Record, n *NetID) { n.Settings.Layout.NonVisibleFirst = true }), check(netid.CheckContent)},
		"another encoding":       {in(func(_ *Record, n *NetID) { n.Settings.Layout.UTF16 = true }), check(netid.CheckContent)},
		"another record's proof": {s.whose(func(f *File) { f.Proof = other.file.Proof }), CheckLog},
		"no proof":               {s.whose(func(f *File) { f.Proof = nil }), CheckLog},
		"the proof's path":       {s.proof(func(p *tree.Proof) { p.Events[0].Path[0][0] ^= 1 }), CheckLog},
		"another record's stamp": {s.whose(func(f *File) { f.Stamp = s.office.stamp(other.file.Line) }), CheckTimeStamp},
		"no stamp":               {s.whose(func(f *File) { f.Stamp = nil }), CheckTimeStamp},
	}
	return all
}

// TestEveryChangeOfNetIDIsRefused, each by the check that it falsifies.
func TestEveryChangeOfNetIDIsRefused(t *testing.T) {
	c := newCards(t)
	s := wholeNetID(t, c, soldText, []byte("contract 17"))
	if r := Verify(s.file, s.anchors); !r.OK || !statement(r, "which app").Proven || !statement(r, "what").Proven || !statement(r, "valid then").Proven {
		t.Fatalf("what is whole: %+v", r)
	}
	all := netIDChanges(t, c, s)
	if len(all) < 50 {
		t.Fatalf("only %d changes", len(all))
	}
	for name, one := range all {
		if r := Verify(one.file, s.anchors); r.OK || r.Verdict(string(one.check)) != Refused {
			t.Errorf("%s: got %t with %s, want it refused by %s; %+v", name, r.OK, r.Verdict(string(one.check)), one.check, r.Findings)
		}
	}
}

// bareFormats are those of signatures that bring neither a certificate nor a time.
var bareFormats = []netid.Format{netid.FormatRaw256, netid.FormatRaw512}

// bareChanges are falsified files of an identification by a bare signature, each with the check that refuses it.
func bareChanges(t testing.TB, c *cards, s *sample) map[string]change {
	t.Helper()
	format := s.file.Record.NetID.Settings.Format
	other, foreign := wholeNetID(t, c, "", nil), cardsOf(t, format).record(t, "", nil)
	in := s.inNetID
	check := func(c netid.Check) bankid.Check { return bankid.Check(c) }
	return map[string]change{
		"another nonce": {in(func(_ *Record, n *NetID) {
			n.Nonce = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{8}, netid.SaltSize))
		}), check(netid.CheckSignature)},
		"no nonce":            {in(func(_ *Record, n *NetID) { n.Nonce = "" }), CheckRecord},
		"no certificate":      {in(func(_ *Record, n *NetID) { n.User.Certificate = secret.String{} }), check(netid.CheckSigner)},
		"another certificate": {in(func(_ *Record, n *NetID) { n.User.Certificate = foreign.NetID.User.Certificate }), check(netid.CheckSignature)},
		"a card of another issuer": {in(func(r *Record, n *NetID) {
			r.Signature, n.User.Certificate = foreign.Signature, foreign.NetID.User.Certificate
		}), check(netid.CheckIssuer)},
		"no signature": {in(func(r *Record, _ *NetID) { r.Signature = secret.String{} }), check(netid.CheckStructure)},
		"a bit of the signature": {in(func(r *Record, _ *NetID) {
			raw := must(base64.StdEncoding.DecodeString(r.Signature.Reveal()))
			raw[len(raw)-1] ^= 1
			r.Signature = secret.New(base64.StdEncoding.EncodeToString(raw))
		}), check(netid.CheckSignature)},
		"PKCS#7": {in(func(_ *Record, n *NetID) { n.Settings.Format = netid.FormatPKCS7 }), check(netid.CheckStructure)},
		"the other digest": {in(func(_ *Record, n *NetID) {
			n.Settings.Format = bareFormats[1-slices.Index(bareFormats, format)]
		}), check(netid.CheckSignature)},
		"a signature of a text": {in(func(r *Record, n *NetID) {
			r.Sent.Kind, r.Sent.UserVisibleData, n.Salt, n.Nonce = bankid.KindSign, soldText, bytes.Repeat([]byte{7}, netid.SaltSize), ""
		}), CheckRecord},
		"another start":           {in(func(r *Record, _ *NetID) { r.Sent.StartedAt = r.Sent.StartedAt.Add(-time.Second) }), CheckLog},
		"another record's proof":  {s.whose(func(f *File) { f.Proof = other.file.Proof }), CheckLog},
		"an answer about another": {in(func(r *Record, _ *NetID) { r.OCSPResponse = foreign.OCSPResponse }), check(netid.CheckOCSPCertificate)},
	}
}

// TestBareSignaturesOfNetID: an installation that is registered for bare signatures has evidence of identifications alike. Of a text it has none: what such a
// signature is over could be cut in two elsewhere.
func TestBareSignaturesOfNetID(t *testing.T) {
	for _, format := range bareFormats {
		t.Run(string(format), func(t *testing.T) {
			c := cardsOf(t, format)
			s := wholeNetID(t, c, "", nil)
			r := Verify(s.file, s.anchors)
			if !r.OK || !r.SignedAt.IsZero() || !strings.HasSuffix(statement(r, "when").Answer, "; the signature does not say") {
				t.Fatalf("what is whole: %q, %+v", statement(r, "when").Answer, r.Findings)
			}
			for _, topic := range []string{"who", "what", "when", "by which certificate", "valid then", "which app", "seen since"} {
				if !statement(r, topic).Proven {
					t.Errorf("%s is not proven", topic)
				}
			}
			for name, one := range bareChanges(t, c, s) {
				if r := Verify(one.file, s.anchors); r.OK || r.Verdict(string(one.check)) != Refused {
					t.Errorf("%s: got %t, want it refused by %s; %+v", name, r.OK, one.check, r.Findings)
				}
			}
		})
	}
}

// TestIssuersOfNetID: none is trusted that nobody has named, and what stands for BankID stands for no other.
func TestIssuersOfNetID(t *testing.T) {
	c := newCards(t)
	s := wholeNetID(t, c, soldText, []byte("contract 17"))
	for name, a := range map[string]Anchors{"nobody": {}, "as BankID's root": {Roots: []*x509.Certificate{c.issuer}}} {
		if r := Verify(s.file, a); r.OK || r.Verdict(CheckRoot) != Refused {
			t.Errorf("%s: %+v", name, r.Findings)
		}
	}
	bank := whole(t)
	if r := Verify(bank.file, Anchors{Issuers: []*x509.Certificate{simulatorRoot()}}); r.OK || r.Verdict(CheckRoot) != Refused {
		t.Errorf("a root of BankID, as an issuer of cards: %+v", r.Findings)
	}
}

// TestWordsOfNetID: the report says in plain words what there is, and of what nothing proves that it says so.
func TestWordsOfNetID(t *testing.T) {
	c := newCards(t)
	s := wholeNetID(t, c, soldText, []byte("contract 17"))
	var words bytes.Buffer
	if err := Verify(s.file, s.anchors).Write(&words); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Astrid Provsson, known as " + cardHolder, `signed the text "` + soldText + `"`, "the signature does not name it", "by the clock of the person's device", "ok: no check refuses"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, words.String())
		}
	}
	unasked := s.inNetID(func(r *Record, n *NetID) {
		r.OCSPResponse, n.Settings.Revocation = secret.String{}, netid.RevocationService
	})
	if r := Verify(unasked, Anchors{Issuers: s.anchors.Issuers}); r.Verdict(CheckRoot) != Passed || statement(r, "valid then").Proven || !strings.Contains(statement(r, "valid then").Answer, "word alone") {
		t.Errorf("without an OCSP response: %+v", statement(r, "valid then"))
	}
	login := wholeNetID(t, c, "", nil)
	if r := Verify(login.file, login.anchors); !r.OK || !strings.Contains(statement(r, "what").Answer, "identified themselves") {
		t.Errorf("a login: %+v", r.Findings)
	}
}

// TestOldEvidenceOfNetIDStaysReadable: files of the first form, made once and kept, are believed for ever.
func TestOldEvidenceOfNetIDStaysReadable(t *testing.T) {
	for _, name := range []string{"netid-1.evidence", "netid-bare-1.evidence"} {
		f := must(Read(must(os.ReadFile(filepath.Join("testdata", name)))))
		issuer := must(x509.ParseCertificate(f.Record.Root))
		if r := Verify(f, Anchors{Issuers: []*x509.Certificate{issuer}, AuditKey: f.Proof.Key}); !r.OK || !statement(r, "which app").Proven {
			t.Errorf("%s of the first form is not believed any longer: %+v", name, r.Findings)
		}
	}
}
