package clients_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/audit"
	"brygga/clients"
	"brygga/outbound"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

// harness is a registry over a store, at a time that stands still.
type harness struct {
	*clients.Registry
	options clients.Options
	store   storage.Store
	now     time.Time
	made    []string // algorithms that there are keys for
}

// Provide notes the algorithms.
func (h *harness) Provide(_ context.Context, algorithms ...string) (made []string, err error) {
	for _, alg := range algorithms {
		if !slices.Contains(h.made, alg) {
			made = append(made, alg)
		}
	}
	h.made = append(h.made, made...)
	return made, nil
}

func newHarness(t *testing.T, static ...storage.Client) *harness {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h := &harness{store: storage.WithStaticClients(store, static), now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.now }
	log, err := audit.New(audit.Options{Store: store, PseudonymKey: make([]byte, 32), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	h.options = clients.Options{
		Store: h.store, Secrets: h.store, Audit: log, Now: now, Certificates: []string{"second"}, Outbound: outbound.New(outbound.Options{}),
		Keys: func(context.Context) (clients.Keys, error) { return h, nil },
	}
	if h.Registry, err = clients.NewRegistry(h.options); err != nil {
		t.Fatal(err)
	}
	return h
}

// web is a change that makes a client of a web app.
func web(c *storage.Client) error {
	c.RedirectURIs = []string{"https://app.example.se/cb"}
	return nil
}

func (h *harness) add(t *testing.T, id string) *clients.Registered {
	t.Helper()
	added, err := h.Add(t.Context(), "anna", id, web)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func (h *harness) client(t *testing.T, id string) *storage.Client {
	t.Helper()
	c, err := h.store.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// events returns the audit log, oldest first.
func (h *harness) events(t *testing.T) []storage.AuditEvent {
	t.Helper()
	events, err := h.store.AuditEvents(t.Context(), time.Time{}, h.now.Add(time.Hour), 100)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestAdd(t *testing.T) {
	h := newHarness(t)
	added := h.add(t, "app")
	c := h.client(t, "app")
	if !c.Authenticate(added.Secret, h.now) || len(added.Secret.Reveal()) < 43 || !c.Created.Equal(h.now) || c.Revision != 1 {
		t.Errorf("the client is %+v with the secret of %d characters", c, len(added.Secret.Reveal()))
	}
	if c.Name != "app" || c.Sector != "app.example.se" || c.SubjectType != storage.SubjectPairwise || c.IDTokenAlg != storage.RS256 || !c.PersonalNumber {
		t.Errorf("the client was not filled up: %+v", c)
	}
	if diff := cmp.Diff([]string{storage.RS256}, h.made); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	public, err := h.Add(t.Context(), "anna", "spa", func(c *storage.Client) error {
		c.AuthMethod = storage.AuthMethodNone
		return web(c)
	})
	if err != nil || !public.Secret.IsZero() || len(public.Client.Secrets) != 0 {
		t.Errorf("a public client has a secret: %+v, %v", public, err)
	}
}

// What is refused leaves no client, no keys and no event.
func TestRefusedChangesLeaveNothing(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name, id string
		change   func(*storage.Client) error
		want     error  // by errors.Is
		key      string // of a Problem
	}{
		{"a rule", "new", func(c *storage.Client) error { return nil }, nil, "redirect_uris"},
		{"a certificate", "new", func(c *storage.Client) error { c.Policy.Certificate = "third"; return web(c) }, nil, "policy.certificate"},
		{"a sector", "new", func(c *storage.Client) error {
			c.SectorIdentifierURI = "https://127.0.0.1:1/"
			return web(c)
		}, nil, "sector_identifier_uri"},
		{"the caller", "new", func(c *storage.Client) error { return boom }, boom, ""},
		{"one that is there", "app", web, storage.ErrExists, ""},
		{"one of the file", "static", web, storage.ErrExists, ""},
	}
	for _, tt := range tests {
		h := newHarness(t, storage.Client{ID: "static"})
		h.add(t, "app")
		h.made = nil
		_, err := h.Add(t.Context(), "anna", tt.id, func(c *storage.Client) error { c.IDTokenAlg = storage.RS512; return tt.change(c) })
		checkRefused(t, h, tt.name, err, tt.want, tt.key)
	}
	for _, tt := range tests[1:4] {
		h := newHarness(t)
		h.add(t, "app")
		h.made = nil
		_, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.IDTokenAlg = storage.RS512; return tt.change(c) })
		checkRefused(t, h, "update: "+tt.name, err, tt.want, tt.key)
	}
}

func checkRefused(t *testing.T, h *harness, name string, err, want error, key string) {
	t.Helper()
	problems, _ := errors.AsType[clients.Problems](err)
	if want != nil && !errors.Is(err, want) || key != "" && (len(problems) != 1 || problems[0].Key != key) {
		t.Errorf("%s: %v", name, err)
	}
	if len(h.made) != 0 {
		t.Errorf("%s: keys for %v were made", name, h.made)
	}
	if c := h.client(t, "app"); c.IDTokenAlg != storage.RS256 || c.Revision != 1 {
		t.Errorf("%s: the client is %+v", name, c)
	}
	if _, err := h.store.Client(t.Context(), "new"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("%s: there is a client: %v", name, err)
	}
	if events := h.events(t); len(events) != 1 {
		t.Errorf("%s: events %v", name, events)
	}
}

func TestStaticAndUnknownClientsAreNotChanged(t *testing.T) {
	h := newHarness(t, storage.Client{ID: "static", AuthMethod: storage.AuthMethodBasic})
	for id, want := range map[string]error{"static": storage.ErrStatic, "nobody": storage.ErrNotFound} {
		_, updated := h.Update(t.Context(), "anna", id, web)
		_, rotated := h.RotateSecret(t.Context(), "anna", id, time.Hour)
		for what, err := range map[string]error{"update": updated, "rotate": rotated, "remove": h.Remove(t.Context(), "anna", id)} {
			if !errors.Is(err, want) {
				t.Errorf("%s %s: %v, want %v", what, id, err, want)
			}
		}
	}
	if events := h.events(t); len(events) != 0 || len(h.made) != 0 {
		t.Errorf("events %v, keys %v", events, h.made)
	}
}

func TestUpdate(t *testing.T) {
	h := newHarness(t)
	first := h.add(t, "app").Secret
	h.now = h.now.Add(time.Hour)
	updated, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.RequirePKCE, c.UserinfoAlg = true, storage.PS256; return nil })
	if err != nil || !updated.Secret.IsZero() {
		t.Fatalf("%+v, %v", updated, err)
	}
	if diff := cmp.Diff([]string{"userinfo_alg", "require_pkce"}, updated.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	c := h.client(t, "app")
	if !c.RequirePKCE || !c.Updated.Equal(h.now) || !c.Created.Before(h.now) || !c.Authenticate(first, h.now) || !slices.Contains(h.made, storage.PS256) {
		t.Errorf("the client is %+v, keys %v", c, h.made)
	}
	same, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.RequirePKCE = true; return nil })
	if err != nil || len(same.Changed) != 0 || h.client(t, "app").Revision != c.Revision || len(h.events(t)) != 2 {
		t.Errorf("a change of nothing was made: %+v, %v", same, err)
	}
	logo := []byte("one")
	for range 2 { // as long as before, and another picture
		shown, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.Brand.Logo, c.Brand.LogoType = logo, "image/png"; return nil })
		if err != nil || !slices.Contains(shown.Changed, "brand.logo") {
			t.Errorf("a logo is no change: %+v, %v", shown, err)
		}
		logo = []byte("two")
	}
}

// Secrets follow the way in which a client proves itself.
func TestSecretsFitTheMethod(t *testing.T) {
	h := newHarness(t)
	first := h.add(t, "app").Secret
	method := func(method string) *clients.Registered {
		t.Helper()
		updated, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.AuthMethod = method; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return updated
	}
	if u := method(storage.AuthMethodPost); !u.Secret.IsZero() || !h.client(t, "app").Authenticate(first, h.now) {
		t.Error("another way to send a secret changed it")
	}
	if u := method(storage.AuthMethodNone); !u.Secret.IsZero() || len(h.client(t, "app").Secrets) != 0 {
		t.Error("a public client has a secret")
	}
	if _, err := h.RotateSecret(t.Context(), "anna", "app", 0); !errors.Is(err, clients.ErrNoSecret) {
		t.Errorf("a public client's secret: %v", err)
	}
	if u := method(storage.AuthMethodBasic); u.Secret.IsZero() || h.client(t, "app").Authenticate(first, h.now) || !h.client(t, "app").Authenticate(u.Secret, h.now) {
		t.Error("the client got no secret, or its old one works again")
	}
}

// TestRotateSecret: somebody who rotates twice, as the first output was lost, does not end the secret in use.
func TestRotateSecret(t *testing.T) {
	h := newHarness(t)
	secrets := []secret.String{h.add(t, "app").Secret}
	rotate := func(keep time.Duration) error {
		rotated, err := h.RotateSecret(t.Context(), "anna", "app", keep)
		if err == nil {
			secrets = append(secrets, rotated.Secret)
		}
		return err
	}
	work := func(want ...bool) {
		t.Helper()
		c := h.client(t, "app")
		for i, s := range secrets {
			if c.Authenticate(s, h.now) != want[i] {
				t.Errorf("secret %d works: %t", i, !want[i])
			}
		}
	}
	if err := errors.Join(rotate(time.Hour), rotate(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	work(true, true, true)
	h.now = h.now.Add(time.Hour)
	work(false, true, true)
	if err := rotate(0); err != nil {
		t.Fatal(err)
	}
	work(false, false, false, true)
	for range 7 {
		if err := rotate(time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	full, ok := errors.AsType[*clients.SecretsError](rotate(time.Minute))
	if !ok || full.Working != 8 || !full.FirstEnd.Equal(h.now.Add(time.Minute)) {
		t.Errorf("the ninth: %+v", full)
	}
	work(false, false, false, true, true, true, true, true, true, true, true)
	h.now = h.now.Add(time.Hour)
	if err := rotate(time.Minute); err != nil || len(h.client(t, "app").Secrets) != 2 {
		t.Errorf("ended secrets count: %v", err)
	}
}

func TestSectorFollowsItsAddress(t *testing.T) {
	h := newHarness(t)
	h.add(t, "app")
	update := func(change func(c *storage.Client)) string {
		t.Helper()
		c, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { change(c); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return c.Client.Sector
	}
	if got := update(func(c *storage.Client) { c.RedirectURIs = []string{"https://other.example.se/"} }); got != "app.example.se" {
		t.Errorf("another redirect URI changed the sector to %q", got)
	}
	if got := update(func(c *storage.Client) { c.Sector = "all" }); got != "all" {
		t.Errorf("the sector is %q", got)
	}
	h.options.Outbound = nil // the document is taken as it is
	var err error
	if h.Registry, err = clients.NewRegistry(h.options); err != nil {
		t.Fatal(err)
	}
	if got := update(func(c *storage.Client) { c.SectorIdentifierURI = "https://group.example.se/uris" }); got != "group.example.se" {
		t.Errorf("the address of a sector makes the sector %q", got)
	}
	if got := update(func(c *storage.Client) { c.SectorIdentifierURI, c.Sector = "https://new.example.se/uris", "mine" }); got != "mine" {
		t.Errorf("the address of a sector changed the sector that was given to %q", got)
	}
}

func TestRegistryNeedsItsParts(t *testing.T) {
	for name, without := range map[string]func(*clients.Options){
		"store": func(o *clients.Options) { o.Store = nil }, "keys": func(o *clients.Options) { o.Keys = nil }, "audit": func(o *clients.Options) { o.Audit = nil },
	} {
		o := newHarness(t).options
		without(&o)
		if _, err := clients.NewRegistry(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// TestAudit: events say what was changed, by whom, and hold no secret.
func TestAudit(t *testing.T) {
	h := newHarness(t)
	value := h.add(t, "app").Secret
	h.now = h.now.Add(time.Minute)
	if _, err := h.Update(t.Context(), "bo", "app", func(c *storage.Client) error {
		c.RedirectURIs, c.RequirePKCE, c.CustomIdentifier = append(slices.Clone(c.RedirectURIs), "https://b.example.se/"), true, "tag"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Minute)
	rotated, err := h.RotateSecret(t.Context(), "cy", "app", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Minute)
	if err := h.Ending(storage.Holdings{Grants: 2, Offline: 1}).Remove(t.Context(), "di", "app"); err != nil {
		t.Fatal(err)
	}
	want := []struct{ event, actor, changed, before, after string }{
		{"ADM_300001", "anna", "redirect_uris", "", "https://app.example.se/cb"},
		{"ADM_300002", "bo", "redirect_uris", "https://app.example.se/cb", "https://app.example.se/cb https://b.example.se/"},
		{"ADM_300003", "cy", "secrets", "made 2026-11-26T12:00:00Z", "made 2026-11-26T12:02:00Z made 2026-11-26T12:00:00Z until 2026-11-26T13:02:00Z"},
		{"ADM_300004", "di", "redirect_uris", "https://app.example.se/cb https://b.example.se/", ""},
	}
	events := h.events(t)
	if len(events) != len(want) {
		t.Fatalf("events %v", events)
	}
	for i, w := range want {
		fields := events[i].Fields
		got := struct{ event, actor, changed, before, after string }{events[i].Type, fields["ACTOR"], w.changed, fields["BEFORE."+w.changed], fields["AFTER."+w.changed]}
		if got != w || !slices.Contains(strings.Fields(fields["CHANGED"]), w.changed) || fields["CLIENT_ID"] != "app" {
			t.Errorf("event %d is %v, want %v", i, fields, w)
		}
		if strings.Contains(fields["CHANGED"], "native") {
			t.Errorf("event %d tells of what is off: %v", i, fields)
		}
		for name, text := range fields {
			if strings.Contains(text, value.Reveal()) || strings.Contains(text, rotated.Secret.Reveal()) {
				t.Errorf("event %d holds a secret in %s", i, name)
			}
		}
	}
	if fields := events[3].Fields; fields["BEFORE.ended.grants"] != "2" || fields["BEFORE.ended.offline"] != "1" || !strings.HasSuffix(fields["CHANGED"], "ended.grants ended.offline") {
		t.Errorf("what ended with the client is told as %v", fields)
	}
	if fields := events[1].Fields; fields["CHANGED"] != "redirect_uris require_pkce custom_identifier" || fields["AFTER.require_pkce"] != "true" || fields["CUSTOMER_IDENTIFIER"] != "tag" {
		t.Errorf("the change is told as %v", fields)
	}
}

// failing is a store whose changes fail.
type failing struct{ storage.Store }

var errDisk = errors.New("disk")

func (failing) CreateClient(context.Context, storage.Client, ...storage.AuditEvent) error {
	return errDisk
}
func (failing) UpdateClient(context.Context, storage.Client, ...storage.AuditEvent) error {
	return errDisk
}
func (failing) ChangeClients(context.Context, []storage.ClientStep, time.Time, ...storage.AuditEvent) error {
	return errDisk
}

// A change that could not be stored, or for which no keys could be made, is not told as made.
func TestFaultsAreReturned(t *testing.T) {
	h := newHarness(t)
	h.add(t, "app")
	changes := func(r *clients.Registry) map[string]error {
		_, added := r.Add(t.Context(), "anna", "new", web)
		_, updated := r.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.RequirePKCE = true; return nil })
		return map[string]error{"add": added, "update": updated}
	}
	broken := h.options
	broken.Store = failing{h.store}
	r, err := clients.NewRegistry(broken)
	if err != nil {
		t.Fatal(err)
	}
	faults := changes(r)
	_, faults["rotate"] = r.RotateSecret(t.Context(), "anna", "app", time.Hour)
	faults["remove"] = r.Remove(t.Context(), "anna", "app")
	for what, err := range faults {
		if !errors.Is(err, errDisk) {
			t.Errorf("%s: %v", what, err)
		}
	}
	broken = h.options
	broken.Keys = func(context.Context) (clients.Keys, error) { return nil, errDisk }
	if r, err = clients.NewRegistry(broken); err != nil {
		t.Fatal(err)
	}
	for what, err := range changes(r) {
		if !errors.Is(err, errDisk) {
			t.Errorf("%s without keys: %v", what, err)
		}
	}
	if events := h.events(t); len(events) != 1 || h.client(t, "app").Revision != 1 {
		t.Errorf("events %v", events)
	}
}
