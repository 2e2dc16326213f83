package api_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// resource is a client as a Terraform provider keeps it in its state: what the API has shown, and the tag that it came with.
type resource struct {
	attributes map[string]any
	tag        string
}

// readResource reads a client into a state, as refresh and import do.
func (h *harness) readResource(id string) resource {
	h.Helper()
	r := h.ask(h.key, "GET", "/clients/"+id, "")
	h.want(r, 200)
	return resource{r.body.(map[string]any), r.Header.Get("ETag")}
}

// computed are the attributes that the document marks as read-only, which no plan has.
func (h *harness) computed() (names []string) {
	h.Helper()
	document := h.ask("", "GET", "/openapi.json", "").body.(map[string]any)
	schema := document["components"].(map[string]any)["schemas"].(map[string]any)["Client"].(map[string]any)
	for name, of := range schema["properties"].(map[string]any) {
		if of.(map[string]any)["readOnly"] == true {
			names = append(names, name)
		}
	}
	return names
}

// TestRoundTrip: a provider of Terraform creates a client, plans no change of what it has read, changes it under the tag that it saw, finds out that somebody
// else did, imports what is there, and removes it. It needs nothing but the document.
func TestRoundTrip(t *testing.T) {
	h := newHarness(t)
	config := `{"name":"The Journal","redirect_uris":["https://a.example.se/cb"],"scopes":["profile"],"policy":{"minimum_age":18},"local_names":{"sv":"Journalen"}}`
	made := h.ask(h.key, "PUT", "/clients/journal", config, "If-None-Match", "*")
	h.want(made, 201)
	state := h.readResource("journal")
	if state.tag != made.Header.Get("ETag") || !reflect.DeepEqual(state.attributes, made.body.(map[string]any)["client"]) {
		t.Errorf("created %v\nread %v", made.text, state.attributes)
	}
	var wanted map[string]any
	h.ok(json.Unmarshal([]byte(config), &wanted))
	for name, value := range wanted {
		if !reflect.DeepEqual(state.attributes[name], value) {
			t.Errorf("%s was set to %v and is read as %v", name, value, state.attributes[name])
		}
	}

	// What was read is what a plan would send: nothing is changed by it, with the computed attributes or without.
	computed := h.computed()
	if !slices.Contains(computed, "revision") || !slices.Contains(computed, "secrets") {
		t.Errorf("read-only in the document: %v", computed)
	}
	plan := maps.Clone(state.attributes)
	for range 2 {
		r := h.ask(h.key, "PUT", "/clients/journal", text(t, plan), "If-Match", state.tag)
		h.want(r, 200)
		if action := r.body.(map[string]any)["action"]; action != "unchanged" || r.Header.Get("ETag") != state.tag {
			t.Errorf("a plan of what was read: %s", r.text)
		}
		maps.DeleteFunc(plan, func(name string, _ any) bool { return slices.Contains(computed, name) })
	}

	plan["name"] = "Another"
	changed := h.ask(h.key, "PUT", "/clients/journal", text(t, plan), "If-Match", state.tag)
	h.want(changed, 200)
	if changes := changed.body.(map[string]any)["changes"].([]any); len(changes) != 1 || changes[0].(map[string]any)["setting"] != "name" {
		t.Errorf("changes %v", changes)
	}
	if strings.Contains(changed.text, "client_secret\":") {
		t.Errorf("a change of the name makes a secret: %s", changed.text)
	}
	h.want(h.ask(h.key, "PUT", "/clients/journal", text(t, plan), "If-Match", state.tag), 412) // of before
	imported := h.readResource("journal")
	if imported.attributes["name"] != "Another" || imported.tag == state.tag || !reflect.DeepEqual(imported.attributes, changed.body.(map[string]any)["client"]) {
		t.Errorf("imported %v", imported)
	}
	h.want(h.ask(h.key, "DELETE", "/clients/journal", "", "If-Match", state.tag), 412)
	h.want(h.ask(h.key, "DELETE", "/clients/journal", "", "If-Match", imported.tag), 204)
	h.want(h.ask(h.key, "GET", "/clients/journal", ""), 404)
}

func text(t *testing.T, members map[string]any) string {
	t.Helper()
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
