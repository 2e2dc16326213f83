package bankidsim

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocs sends every line of docs/simulator.md to the simulator, and looks for every call, switch and attack in them.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Options{})
	o := r.auth()
	fill := strings.NewReplacer("'$REF'", o.OrderRef, "$REF", o.OrderRef, "'$TOKEN'", o.AutoStartToken)
	phone := regexp.MustCompile("`curl -sO? (-X POST )?\"?\\$PHONE(/(?:api|certificates)/[^\" `]*)\"?(?: (?:-d '(.*)'|--data-binary (.*)))?`")
	api := regexp.MustCompile("`curl -K bankid.curl \\$API/(\\S+) -d '(.*)'`")
	var called []string
	for _, m := range phone.FindAllStringSubmatch(string(page), -1) {
		method, path, body := "GET", fill.Replace(m[2]), fill.Replace(m[3])
		if m[1]+m[3]+m[4] != "" {
			method = "POST"
		}
		called = append(called, method+" "+m[2])
		rec := newRecorder()
		r.Phone().ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
		var refusal Refusal
		_ = json.Unmarshal(rec.Body.Bytes(), &refusal) // a list is no refusal
		switch refusal.Code {
		case "notFound", "badRequest", "invalidChaos", "invalidPerson", "unknownPerson", "internal":
			t.Errorf("%s: %d %s", m[0], rec.Code, refusal.Message)
		}
	}
	if err := r.SetChaos(Chaos{}); err != nil {
		t.Fatal(err)
	}
	for pattern := range r.controls() {
		want := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\{ref\}`, `\$REF`) + `(\?.*)?$`)
		found := pattern == "/api/"
		for _, c := range called {
			found = found || want.MatchString(c)
		}
		if !found {
			t.Errorf("no line shows %s", pattern)
		}
	}
	shown := map[string]bool{}
	for _, m := range api.FindAllStringSubmatch(string(page), -1) {
		shown[m[1]] = true
		if status, answer := r.call(m[1], fill.Replace(m[2])); status != 200 && answer["errorCode"] != "alreadyInProgress" && answer["details"] != errNoOrder.Details {
			t.Errorf("%s: %d %v", m[0], status, answer)
		}
	}
	for name := range endpoints {
		if !shown[name] {
			t.Errorf("no line shows the call %s", name)
		}
	}
	words := slices.Clone(attacks)
	for i := range reflect.TypeFor[Chaos]().NumField() {
		words = append(words, reflect.TypeFor[Chaos]().Field(i).Tag.Get("json"))
	}
	for _, word := range words {
		if !strings.Contains(string(page), "`"+word+"`") {
			t.Errorf("%s is not explained", word)
		}
	}
}
