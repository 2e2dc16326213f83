package interop

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// jsonAPIError is an error as a client of JSON:API reads it.
type jsonAPIError struct {
	ID, Status, Code string
	Source           struct{ Pointer string }
}

// jsonAPI has a back end make orders with Kitsu, a client of JSON:API that was not written for them.
func jsonAPI(t *testing.T, p *provider) {
	p.register(t, "backend", "--redirect-uri", redirectURI)
	person := p.newPerson(t)
	var made struct{ Key string }
	out, err := exec.CommandContext(t.Context(), p.binary, "apikey", "create", "backend", "--client", "backend", "--scope", "orders:auth,orders:sign,orders:payment", "--data", p.data, "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &made); err != nil {
		t.Fatal(err)
	}
	told, err := json.Marshal(map[string]string{"server": p.issuer, "key": made.Key})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "jsonapi.mjs"))
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(told)+"\n"), os.Stderr
	lines, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var shown struct{ Code string }
	var learnt struct {
		Made struct {
			Status   int
			Type     string
			Location bool
		}
		Order struct {
			Type, Status   string
			CompletionData struct {
				User struct{ PersonalNumber string }
			}
		}
		Paid struct {
			Status int
			Type   string
		}
		Ended          int
		After          string
		Wrong, Unknown jsonAPIError
	}
	reader := bufio.NewScanner(lines)
	for n := 0; reader.Scan(); n++ {
		to := any(&learnt)
		if n == 0 {
			to = &shown
		}
		if err := json.Unmarshal(reader.Bytes(), to); err != nil {
			t.Fatalf("%v: %s", err, reader.Text())
		}
		if n == 0 {
			p.scan(t, shown.Code, person)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if learnt.Made.Status != 201 || learnt.Made.Type != "bankIdAuth" || !learnt.Made.Location {
		t.Errorf("made: %+v", learnt.Made)
	}
	if o := learnt.Order; o.Type != "bankIdAuth" || o.Status != "complete" || o.CompletionData.User.PersonalNumber != person {
		t.Errorf("the order ended as %+v", o)
	}
	if learnt.Ended != 204 || learnt.After != "cancelled" {
		t.Errorf("the other one: %d, %s", learnt.Ended, learnt.After)
	}
	if learnt.Paid.Status != 201 || learnt.Paid.Type != "bankIdPayment" {
		t.Errorf("the payment: %+v", learnt.Paid)
	}
	if e := learnt.Wrong; e.Code != "invalid_end_user_ip" || e.Status != "422" || e.Source.Pointer != "/data/attributes/endUserIp" || e.ID == "" {
		t.Errorf("a wrong address: %+v", e)
	}
	if e := learnt.Unknown; e.Code != "invalid_request" || e.Source.Pointer != "/data/attributes/browser" {
		t.Errorf("an unknown attribute: %+v", e)
	}
}

// scan has the person scan the code and approve.
func (p *provider) scan(t *testing.T, code, person string) {
	t.Helper()
	var order struct{ OrderRef string }
	p.tell(t, "scan", map[string]string{"qr": code, "personalNumber": person}, &order)
	p.tell(t, "orders/"+order.OrderRef+"/sign", struct{}{}, new(any))
}
