package interop

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// apiStep is what the generated client has got of a call.
type apiStep struct {
	Status               int
	ETag, Location, Type string
	Data, Error          map[string]any
}

// generatedClient spends a day of administration with a client that swagger-typescript-api makes of the OpenAPI document, as it comes.
func generatedClient(t *testing.T, p *provider) {
	steps := spendDay(t, p, generate(t, p))
	for name, want := range map[string]int{
		"stranger": 401, "list": 200, "next": 200, "create": 201, "create again": 412, "read": 200, "dry run": 200, "change": 200, "conflict": 412, "unseen": 428, "wrong": 422,
		"no member": 422, "rotate": 201, "old secret": 200, "new secret": 200, "disable": 200, "disabled": 401, "audit": 200, "health": 200, "delete": 204, "gone": 404,
	} {
		if got := steps[name]; got.Status != want {
			t.Errorf("%s: status %d, want %d: %v %v", name, got.Status, want, got.Data, got.Error)
		}
	}
	if at := steps["create"].Location; at != "/api/v1/clients/generated" {
		t.Errorf("the client was made at %q", at)
	}
	if before, after := steps["read"].ETag, steps["change"].ETag; before != steps["create"].ETag || before == "" || after == before || after == "" {
		t.Errorf("tags: %q, then %q", before, after)
	}
	if secret, _ := steps["create"].Data["client_secret"].(string); secret == "" || secret == steps["rotate"].Data["client_secret"] {
		t.Error("no new secret was shown")
	}
	for name, at := range map[string]string{"wrong": "/redirect_uris/1", "no member": "/redirect_url"} {
		got := steps[name]
		text, err := json.Marshal(got.Error["errors"])
		if err != nil || got.Type != "application/problem+json" || !strings.Contains(string(text), `"pointer":"`+at+`"`) {
			t.Errorf("%s is told as %s: %s", name, got.Type, text)
		}
	}
	text, err := json.Marshal(steps["audit"].Data["items"])
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"ADM_300001", "ADM_300002", "ADM_300003"} {
		if !strings.Contains(string(text), event) {
			t.Errorf("the audit log has no %s: %s", event, text)
		}
	}
}

// generate makes the client of the document that the provider shows, and returns its file.
func generate(t *testing.T, p *provider) string {
	t.Helper()
	generator := filepath.Join("node_modules", "swagger-typescript-api", "package.json")
	if _, err := os.Stat(generator); err != nil {
		t.Fatal("the generator of package.json is not installed: make needs")
	}
	response, err := http.Get(p.operators + "/api/v1/openapi.json")
	var document json.RawMessage
	decode(t, response, err, &document)
	dir := t.TempDir()
	for name, text := range map[string]string{"openapi.json": string(document), "package.json": `{"type":"module"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("node_modules", ".bin", "swagger-typescript-api"), "-p", filepath.Join(dir, "openapi.json"), "-o", dir, "-n", "client.mjs",
		"--js", "--extract-request-params", "--disable-throw-on-error")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("generate a client: %v\n%s", err, out)
	}
	return filepath.Join(dir, "client.js")
}

// spendDay runs the script with the client, and returns what it has got, by name.
func spendDay(t *testing.T, p *provider, client string) (steps map[string]apiStep) {
	t.Helper()
	var made struct{ Key string }
	create := exec.CommandContext(t.Context(), p.binary, "apikey", "create", "generated", "--scope", "clients:read,clients:write,audit:read,health:read,apikeys:write", "--data", p.data, "-o", "json")
	out, err := create.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &made); err != nil {
		t.Fatal(err)
	}
	told, err := json.Marshal(map[string]string{"server": p.operators, "key": made.Key, "token": p.issuer + "/token"})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "api-day.mjs"), client)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(told)), os.Stderr
	if out, err = cmd.Output(); err != nil {
		t.Fatalf("the generated client: %v", err)
	}
	if err := json.Unmarshal(out, &steps); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return steps
}
