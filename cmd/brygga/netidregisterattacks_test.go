package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/netid"
	"brygga/netid/netidsim"
	"brygga/secret"
)

// registering is a development installation whose Net iD Access somebody with a key registers it at.
type registering struct {
	*testing.T
	d   *devInstance
	key secret.String
}

// post sends a registration over the API with a key, and returns the status and the answer.
func (r *registering) post(ctx context.Context, key secret.String, body any) (status int, text string, err error) {
	r.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		r.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.d.AdminURL+"/api/v1/eids/netid/register", bytes.NewReader(content))
	if err != nil {
		r.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key.Reveal())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

// shown is the name by which the service's app shows us.
func (r *registering) shown() string {
	r.Helper()
	order, err := r.d.server.cards.apis[""].Authenticate(r.Context(), netid.AuthenticateRequest{NonVisible: base64.StdEncoding.EncodeToString(make([]byte, netid.SaltSize))})
	if err != nil {
		r.Fatal(err)
	}
	seen, err := r.d.cards.sim.Order(order.Ref.Reveal())
	if err != nil {
		r.Fatal(err)
	}
	return seen.Caller
}

// told returns what the audit log says of registrations by the key.
func (r *registering) told() (all []string) {
	r.Helper()
	events, err := r.d.server.store.AuditEvents(r.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), 1000)
	if err != nil {
		r.Fatal(err)
	}
	for _, e := range events {
		if e.Type == string(audit.ServiceRegistered) && e.Fields["OBJECT"] == "netid" {
			all = append(all, e.Fields["MESSAGE"])
		}
	}
	return all
}

func (r *registering) chaos(c netidsim.Chaos) {
	r.Helper()
	c.Operation = "Register"
	if err := r.d.cards.sim.SetChaos(c); err != nil {
		r.Fatal(err)
	}
}

func ofSide(t *testing.T, side int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, 8))); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// TestAttacksOnRegistration: what is wrong reaches no service and no audit log, who may not register does not, and of a service that misbehaves only that is told: neither what
// it said, nor where it is, nor what its certificate or ours is.
func TestAttacksOnRegistration(t *testing.T) {
	t.Parallel()
	r := &registering{T: t, d: newDev(t, withCardApp)}
	operations, err := r.d.server.operator().administration(func(*admin.Options) {})
	if err != nil {
		t.Fatal(err)
	}
	keyWith := func(scopes ...string) secret.String {
		_, key, err := operations.CreateAPIKey(t.Context(), admin.Command("root"), admin.NewAPIKey{Name: "robot", Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	r.key = keyWith(admin.ScopeServicesWrite)
	small := ofSide(t, 16)
	good := map[string]any{"name": "Region Prov", "image": small}
	for deadline := time.Now().Add(20 * time.Second); r.shown() != "Brygga"; time.Sleep(20 * time.Millisecond) { // which dev has registered by itself
		if time.Now().After(deadline) {
			t.Fatalf("dev is shown as %s", r.shown())
		}
	}
	before := r.told()
	raw, err := base64.StdEncoding.DecodeString(small)
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(parts ...[]byte) string { return base64.StdEncoding.EncodeToString(slices.Concat(parts...)) }
	for name, one := range map[string]struct {
		body    map[string]any
		pointer string
	}{
		"no name":                    {map[string]any{"image": small}, "/name"},
		"a name of two lines":        {map[string]any{"name": "Region\nProv", "image": small}, "/name"},
		"a name with an escape":      {map[string]any{"name": "Region\x1b[31m", "image": small}, "/name"},
		"a name that is turned":      {map[string]any{"name": "Region \u202evorP", "image": small}, "/name"},
		"a name that is too long":    {map[string]any{"name": strings.Repeat("Å", 101), "image": small}, "/name"},
		"no picture":                 {map[string]any{"name": "Region Prov"}, "/image"},
		"no base64":                  {map[string]any{"name": "Region Prov", "image": "no base64!"}, "/image"},
		"a GIF":                      {map[string]any{"name": "Region Prov", "image": encoded([]byte("GIF89a"))}, "/image"},
		"a page":                     {map[string]any{"name": "Region Prov", "image": encoded([]byte("<svg onload=alert(1)>"))}, "/image"},
		"half a picture":             {map[string]any{"name": "Region Prov", "image": encoded(raw[:len(raw)/2])}, "/image"},
		"a picture and a page":       {map[string]any{"name": "Region Prov", "image": encoded(raw, []byte("<script>"))}, "/image"},
		"a byte more than 16 kB":     {map[string]any{"name": "Region Prov", "image": encoded(raw, make([]byte, netid.MaxImage+1-len(raw)))}, "/image"},
		"a side too large":           {map[string]any{"name": "Region Prov", "image": ofSide(t, 2049)}, "/image"},
		"a certificate of nobody's":  {map[string]any{"name": "Region Prov", "image": small, "certificate": "../../etc"}, "/certificate"},
		"a member that is not known": {map[string]any{"name": "Region Prov", "image": small, "serverId": "7"}, "/serverId"},
	} {
		if status, text, err := r.post(t.Context(), r.key, one.body); err != nil || status != http.StatusUnprocessableEntity && status != http.StatusBadRequest || !strings.Contains(text, `"pointer":"`+one.pointer+`"`) {
			t.Errorf("%s: %d %s, %v", name, status, text, err)
		}
	}
	for name, key := range map[string]secret.String{"none": secret.New(""), "another right": keyWith("clients:write"), "a made-up one": secret.New("bry_" + strings.Repeat("a", 43))} {
		if status, text, err := r.post(t.Context(), key, good); err != nil || status != http.StatusForbidden && status != http.StatusUnauthorized {
			t.Errorf("with the key %s: %d %s, %v", name, status, text, err)
		}
	}
	if now := r.told(); !slices.Equal(now, before) || r.shown() != "Brygga" {
		t.Errorf("the audit log says %q, and the app %s", now, r.shown())
	}
	r.misbehaves(good)
	r.twoAtOnce()
}

// misbehaves has the service do all that services do, while somebody registers.
func (r *registering) misbehaves(good map[string]any) {
	certificate := r.d.cards.sim.ClientCertificate().TLS.Leaf
	for name, c := range map[string]netidsim.Chaos{
		"a page": {HTML: -1}, "down": {Down: -1}, "half an answer": {Truncated: -1}, "broken XML": {Malformed: -1}, "another namespace": {OtherNamespace: -1},
		"a document type": {DocType: -1}, "no answer": {DropAnswer: -1}, "a fault": {Faults: -1, FaultText: "secret-of-the-service"},
	} {
		before := len(r.told())
		r.chaos(c)
		status, text, err := r.post(r.Context(), r.key, good)
		if err != nil || status != http.StatusBadGateway {
			r.Errorf("%s: %d %s, %v", name, status, text, err)
		}
		for _, hidden := range []string{"secret-of-the-service", "localhost", "127.0.0.1", "x509", certificate.Subject.CommonName, certificate.SerialNumber.String(), "html", "EOF"} {
			if strings.Contains(text, hidden) {
				r.Errorf("%s: the answer has %q: %s", name, hidden, text)
			}
		}
		if told := r.told(); len(told) != before+1 || told[before] != "Region Prov (no answer: it may be registered all the same)" {
			r.Errorf("%s: the audit log says %q", name, told[before:])
		}
	}
	// Who gives up on a service that hangs ends the call, and what may have been done is told of.
	before := len(r.told())
	r.chaos(netidsim.Chaos{Hang: -1})
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if status, text, err := r.post(ctx, r.key, good); err == nil {
		r.Errorf("a service that hangs is answered %d %s", status, text)
	}
	for deadline := time.Now().Add(20 * time.Second); len(r.told()) == before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatal("nothing is told of a registration that was given up")
		}
	}
	r.chaos(netidsim.Chaos{})
}

// twoAtOnce: each is answered with its own, the audit log has both, and one of them is what the app shows.
func (r *registering) twoAtOnce() {
	names := []string{"Region <Två> & \"Co\"", "Region Ett"} // as they are sorted
	before := len(r.told())
	var both sync.WaitGroup
	for _, name := range names {
		both.Go(func() {
			status, text, err := r.post(r.Context(), r.key, map[string]any{"name": name, "image": ofSide(r.T, 16)})
			var registered admin.Registered
			if err != nil || status != http.StatusOK || json.Unmarshal([]byte(text), &registered) != nil || registered.Name != name {
				r.Errorf("%s: %d %s, %v", name, status, text, err)
			}
		})
	}
	both.Wait()
	told := r.told()[before:]
	slices.Sort(told)
	if !slices.Equal(told, names) {
		r.Errorf("the audit log says %q", told)
	}
	if now := r.shown(); !slices.Contains(names, now) {
		r.Errorf("the app shows %q", now)
	}
}
