// Package interop shows that the simulator speaks BankID's API to a client that we did not write and that knows nothing of
// us: the npm package "bankid" (github.com/anyfin/bankid, MIT), at the version in package.json. It holds tests alone.
package interop

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"brygga/bankid/bankidsim"
)

const (
	asa      = "198502039822"
	password = "correct horse"
)

// rig is a simulator on loopback and the foreign client, run by node.
type rig struct {
	*bankidsim.Simulator
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// answer is what the client made of a call: a value, an error of its own, or the collect that it rejected with.
type answer struct {
	Answer json.RawMessage `json:"answer"`
	Error  struct {
		Name    string `json:"name"`
		Code    string `json:"code"`
		Details string `json:"details"`
	} `json:"error"`
	Failed collected `json:"failed"`
}

type collected struct {
	OrderRef       string `json:"orderRef"`
	Status         string `json:"status"`
	HintCode       string `json:"hintCode"`
	CompletionData struct {
		User struct {
			PersonalNumber string `json:"personalNumber"`
			Name           string `json:"name"`
			GivenName      string `json:"givenName"`
			Surname        string `json:"surname"`
		} `json:"user"`
		Device struct {
			IPAddress string `json:"ipAddress"`
			UHI       string `json:"uhi"`
		} `json:"device"`
		BankIDIssueDate string `json:"bankIdIssueDate"`
		Signature       string `json:"signature"`
		OCSPResponse    string `json:"ocspResponse"`
		Risk            string `json:"risk"`
	} `json:"completionData"`
}

func newRig(t *testing.T, chaos *bankidsim.Chaos) *rig {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("this test runs a BankID client written for Node.js, and node is missing: make needs")
	}
	if _, err := os.Stat(filepath.Join("node_modules", "bankid", "package.json")); err != nil {
		t.Fatal("the BankID client of package.json is not installed: make needs")
	}
	s, err := bankidsim.New(bankidsim.Options{Chaos: chaos})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv, served := s.APIServer(), make(chan struct{})
	go func() { defer close(served); srv.ServeTLS(l, "", "") }()
	pfx, root := credentials(t, s)
	cmd := exec.CommandContext(t.Context(), node, "client.cjs", "https://"+l.Addr().String()+"/rp/", pfx, password, root)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait() // an end by the context of the test is no fault
		srv.Close()
		<-served
		s.Close()
	})
	r := &rig{Simulator: s, t: t, in: in, out: bufio.NewScanner(out)}
	r.out.Buffer(nil, 1<<20)
	return r
}

// credentials writes the client certificate, as the PKCS #12 file that BankID's customers have, and the root to pin.
func credentials(t *testing.T, s *bankidsim.Simulator) (pfx, root string) {
	t.Helper()
	c := s.ClientCertificate().TLS
	p12, err := pkcs12.Modern.Encode(c.PrivateKey, c.Leaf, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	pfx, root = filepath.Join(dir, "client.p12"), filepath.Join(dir, "root.pem")
	if err := os.WriteFile(pfx, p12, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root, s.ServerRootPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return pfx, root
}

// begin calls a method of the client without waiting for its answer, which end reads.
func (r *rig) begin(version int, call string, with any) {
	r.t.Helper()
	line, err := json.Marshal(map[string]any{"version": version, "call": call, "with": with})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.in.Write(append(line, '\n')); err != nil {
		r.t.Fatalf("the client is gone: %v", err)
	}
}

func (r *rig) end() answer {
	r.t.Helper()
	if !r.out.Scan() {
		r.t.Fatalf("the client ended without an answer: %v", r.out.Err())
	}
	var a answer
	if err := json.Unmarshal(r.out.Bytes(), &a); err != nil {
		r.t.Fatalf("the client said %q: %v", r.out.Bytes(), err)
	}
	return a
}

func (r *rig) call(call string, with any) answer {
	r.t.Helper()
	r.begin(6, call, with)
	return r.end()
}

// want reads the value of a call that has to work.
func want[T any](r *rig, a answer) T {
	r.t.Helper()
	var v T
	if a.Error.Name != "" || a.Failed.Status != "" {
		r.t.Fatalf("the client failed: %+v %s/%s", a.Error, a.Failed.Status, a.Failed.HintCode)
	}
	if err := json.Unmarshal(a.Answer, &v); err != nil {
		r.t.Fatalf("the client said %q: %v", a.Answer, err)
	}
	return v
}

func (r *rig) wantError(a answer, name, code string) {
	r.t.Helper()
	if a.Error.Name != name || a.Error.Code != code {
		r.t.Errorf("the client says %s (%s) and %s, want %s (%s)", a.Error.Name, a.Error.Code, a.Answer, name, code)
	}
}
