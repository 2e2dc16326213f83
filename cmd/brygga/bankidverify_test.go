package main

import (
	"context"
	"encoding/base64"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"brygga/bankid"
	"brygga/bankid/bankidsim"
)

// evidence DIR writes a result of a simulator: signature.b64 and .xml, ocsp.b64 and .der, root.pem and another-root.pem. It sets
// PARTY to the name of the relying party and AT to the time.
func writeEvidence(ts *testscript.TestScript, _ bool, args []string) {
	sim, err := bankidsim.New(bankidsim.Options{RPName: "Vård+, omsorg"})
	ts.Check(err)
	defer sim.Close()
	data, party := simulatedResult(ts, sim)
	root, err := sim.SignatureRootPEM()
	ts.Check(err)
	other, err := bankidsim.New(bankidsim.Options{})
	ts.Check(err)
	defer other.Close()
	otherRoot, err := other.SignatureRootPEM()
	ts.Check(err)
	signature, ocsp := data.Signature.Reveal(), data.OCSPResponse.Reveal()
	xml, err := base64.StdEncoding.DecodeString(signature)
	ts.Check(err)
	der, err := base64.StdEncoding.DecodeString(ocsp)
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o755))
	for name, content := range map[string]string{
		"signature.b64": signature + "\n", "signature.xml": string(xml), "ocsp.b64": ocsp, "ocsp.der": string(der), "root.pem": string(root), "another-root.pem": string(otherRoot),
	} {
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), name), []byte(content), 0o600))
	}
	ts.Setenv("PARTY", party)
	ts.Setenv("AT", time.Now().UTC().Format(time.RFC3339))
}

// simulatedResult lets somebody log in over mutual TLS, and returns the result with the relying party's name.
func simulatedResult(ts *testscript.TestScript, sim *bankidsim.Simulator) (*bankid.CompletionData, string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server, done := sim.APIServer(), make(chan struct{})
	go func() { defer close(done); server.ServeTLS(l, "", "") }()
	defer func() { server.Close(); <-done }()
	certificate := sim.ClientCertificate().TLS
	api, err := bankid.New(bankid.Options{
		BaseURL: "https://" + l.Addr().String() + "/rp/v6.0", Certificate: bankid.CertificateSource{TLS: &certificate}, RootCAsPEM: sim.ServerRootPEM(),
	})
	ts.Check(err)
	defer api.Close()
	ctx := context.Background()
	order, err := api.Auth(ctx, bankid.AuthRequest{EndUserIP: netip.MustParseAddr("192.0.2.1"), UserVisibleData: "Logga in", UserNonVisibleData: []byte("request")})
	ts.Check(err)
	_, err = sim.Open(bankidsim.Pickup{AutoStartToken: order.AutoStartToken.Reveal(), PersonalNumber: "198502039822"})
	ts.Check(err)
	_, err = sim.Sign(order.OrderRef.Reveal(), bankidsim.Approval{})
	ts.Check(err)
	collected, err := api.Collect(ctx, order.OrderRef)
	ts.Check(err)
	return collected.CompletionData, api.RelyingParty().Name
}
