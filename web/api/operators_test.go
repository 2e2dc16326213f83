package api_test

import (
	"strings"
	"testing"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/secret"
	"brygga/storage"
)

// person makes an active operator of that name, which is its password too, and returns its ID.
func (h *harness) person(name string, roles ...storage.Role) string {
	h.Helper()
	o, link, err := h.accounts.Bootstrap(h.Context(), account.Command("root"), account.Invitation{
		UserName: secret.New(name), Email: secret.New(name + "@example.se"), Rights: storage.Rights{Roles: roles, AllClients: true},
	})
	h.ok(err)
	_, token, _ := strings.Cut(link.Address.Reveal(), "token=")
	_, err = h.accounts.Accept(h.Context(), storage.LinkBootstrap, secret.New(token), secret.New("tre lax i en låda"))
	h.ok(err)
	return o.ID
}

func (h *harness) detail(r reply) string {
	h.Helper()
	text, _ := r.body.(map[string]any)["detail"].(string)
	return text
}

// TestProgramTouchesNoOwner: a key for operators may do all to them but to owners, and make none. What is refused says why, to the log too.
func TestProgramTouchesNoOwner(t *testing.T) {
	h := newHarness(t)
	owner, helper := h.person("asa", storage.RoleOwner), h.person("bo", storage.RoleHelpdesk)
	h.person("cia", storage.RoleOwner)
	for _, asked := range [][3]string{
		{"POST", "/operators", `{"user_name":"eve","email":"eve@example.se","roles":["owner"]}`},
		{"PATCH", "/operators/" + helper, `{"roles":["owner"]}`}, {"PATCH", "/operators/" + owner, `{"roles":["auditor"]}`},
		{"PATCH", "/operators/" + owner, `{"personal_number":"191212121212"}`}, {"PATCH", "/operators/" + owner, `{"disabled":true}`},
		{"DELETE", "/operators/" + owner, ""}, {"DELETE", "/operators/" + owner + "/sessions", ""},
	} {
		before := h.refusals()
		r := h.ask(h.key, asked[0], asked[1], asked[2])
		h.want(r, 403)
		if !strings.Contains(h.detail(r), "owners are made, changed and removed by people") {
			t.Errorf("%v is refused without the reason: %s", asked, r.text)
		}
		if h.refusals() != before+1 {
			t.Errorf("the audit log does not know that %v was refused", asked)
		}
	}
	h.want(h.ask(h.key, "PATCH", "/operators/"+helper, `{"roles":["admin"],"groups":["schools"]}`), 200)
	h.want(h.ask(h.key, "DELETE", "/operators/"+helper, ""), 204)
}

func (h *harness) refusals() (n int) {
	h.Helper()
	events, err := h.store.AuditEvents(h.Context(), time.Time{}, h.now.Add(time.Hour), 1000)
	h.ok(err)
	for _, e := range events {
		if e.Type == "ADM_300010" {
			n++
		}
	}
	return n
}

func TestRefusedKeySaysWhy(t *testing.T) {
	h := newHarness(t)
	weak := h.made(admin.NewAPIKey{Name: "keys", Scopes: []string{admin.ScopeAPIKeysWrite}})
	r := h.ask(weak, "POST", "/api-keys", `{"name":"x","scopes":["clients:write"]}`)
	h.want(r, 403)
	if h.detail(r) != "a key makes and rotates none that may do more than itself" {
		t.Error(r.text)
	}
}

// TestOperatorsOverTheAPI invites, changes, lets in and logs out.
func TestOperatorsOverTheAPI(t *testing.T) {
	h := newHarness(t)
	invited := h.ask(h.key, "POST", "/operators", `{"user_name":"dan","email":"dan@example.se","name":"Dan","language":"en","roles":["admin"],"groups":["schools"]}`)
	h.want(invited, 201)
	body := invited.body.(map[string]any)
	if body["state"] != "invited" || body["all_clients"] != false || body["language"] != "en" {
		t.Errorf("invited: %s", invited.text)
	}
	mails, err := h.store.ClaimMail(h.Context(), h.now, 10, func(int) time.Duration { return time.Hour })
	h.ok(err)
	if len(mails) != 1 || mails[0].To.Reveal() != "dan@example.se" || strings.Contains(invited.text, "token") {
		t.Errorf("%d messages, %s", len(mails), invited.text)
	}
	h.want(h.ask(h.key, "POST", "/operators/"+body["id"].(string)+"/invite", ""), 204)
	h.want(h.ask(h.key, "POST", "/operators", `{"user_name":"DAN","email":"other@example.se","roles":["admin"]}`), 409)
	if wrong := h.ask(h.key, "POST", "/operators", `{"user_name":"d n","email":"nowhere","roles":["boss"]}`); strings.Join(wrong.pointers(), " ") != "/email /roles /user_name" {
		t.Errorf("%d %s", wrong.StatusCode, wrong.text)
	}

	bo := h.person("bo", storage.RoleHelpdesk)
	shown := h.ask(h.key, "GET", "/operators/BO@example.se", "")
	h.want(shown, 200)
	changed := h.ask(h.key, "PATCH", "/operators/"+bo, `{"name":"Bo Ek","personal_number":"191212121212"}`, "If-Match", shown.Header.Get("ETag"))
	h.want(changed, 200)
	if strings.Contains(changed.text, "1212") || !strings.Contains(changed.text, `"bankid"`) || !strings.Contains(changed.text, "Bo Ek") {
		t.Errorf("changed: %s", changed.text)
	}
	h.want(h.ask(h.key, "PATCH", "/operators/"+bo, `{"name":"Another"}`, "If-Match", shown.Header.Get("ETag")), 412)
	if wrong := h.ask(h.key, "PATCH", "/operators/"+bo, `{"personal_number":"191212121213"}`); strings.Join(wrong.pointers(), " ") != "/personal_number" {
		t.Errorf("%d %s", wrong.StatusCode, wrong.text)
	}

	login := func() error {
		_, err := h.accounts.LogIn(h.Context(), "bo", secret.New("tre lax i en låda"), account.From{})
		return err
	}
	h.ok(login())
	if r := h.ask(h.key, "GET", "/operators/"+bo+"/sessions", ""); strings.Count(r.text, `"methods":["password"]`) != 1 || strings.Contains(strings.ToLower(r.text), "hash") {
		t.Errorf("sessions: %s", r.text)
	}
	h.want(h.ask(h.key, "DELETE", "/operators/"+bo+"/sessions", ""), 204)
	if r := h.ask(h.key, "GET", "/operators/"+bo+"/sessions", ""); r.text != "{\"items\":[]}\n" {
		t.Errorf("sessions that were ended: %s", r.text)
	}
	for range 20 {
		h.accounts.LogIn(h.Context(), "bo", secret.New("another password"), account.From{})
	}
	if login() == nil {
		t.Fatal("an account logs in that has to wait")
	}
	h.want(h.ask(h.key, "POST", "/operators/"+bo+"/unlock", ""), 204)
	h.ok(login())
	if text := h.events(); strings.Contains(text, "191212121212") || !strings.Contains(text, "OPR_500016") {
		t.Error("the audit log has a personal number, or does not tell who was let in")
	}
}

// events are all audit events as text.
func (h *harness) events() string {
	h.Helper()
	all, err := h.store.AuditEvents(h.Context(), time.Time{}, h.now.Add(time.Hour), 1000)
	h.ok(err)
	var text strings.Builder
	for _, e := range all {
		line, err := storage.AuditText(&e)
		h.ok(err)
		text.Write(line)
	}
	return text.String()
}
