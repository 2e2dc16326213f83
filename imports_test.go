// Package brygga_test holds what is true of the whole repository.
package brygga_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed says which packages of ours each package may import. Any may import secret, and tests what they like. A package that
// is not in the table must be added to it, with thought.
var allowed = map[string][]string{
	"account":                  {"audit", "personnummer", "storage"},
	"admin":                    {"account", "audit", "audit/tree", "clients", "duration", "evidence", "evidence/archive", "keys", "logins", "notice", "outbound", "personnummer", "spelling", "storage"},
	"audit":                    {"storage"},
	"audit/sink":               {"audit", "audit/tree", "outbound", "storage", "webhook"},
	"audit/tree":               {"storage"},
	"background":               {},
	"bankid":                   {},
	"bankid/bankidsim":         {"background"},
	"bankid/bankidsim/interop": {}, // tests alone
	"cache":                    {},
	"cms":                      {},
	"clients":                  {"audit", "duration", "eid", "outbound", "spelling", "storage", "visibletext", "webhook"},
	"cmd/bench":                nil, // everything: it drives the parts from outside
	"cmd/brygga":               nil, // everything: it connects the parts
	"cmd/brygga/config":        {"audit", "bankid", "clients", "duration", "evidence", "keys", "login", "netid", "netid/netidlogin", "outbound", "spelling", "storage", "storage/postgres", "webhook"},
	"conformance":              {}, // checks providers from outside, brygga among them
	"conformance/cmd":          {"conformance"},
	"deploy":                   {}, // tests alone
	"docs":                     {}, // the pages themselves
	"duration":                 {},
	"eid":                      {"storage"},
	"evidence":                 {"audit/tree", "bankid", "cms", "netid", "storage"},
	"evidence/archive":         {"audit", "audit/tree", "evidence", "storage"},
	"examples/go":              {}, // a sample for people without our packages
	"freeport":                 {}, // for tests
	"handling":                 {},
	"keys":                     {"storage"},
	"limit":                    {},
	"login":                    {"audit", "bankid", "eid", "evidence", "limit", "personnummer", "schedule", "storage"},
	"logins":                   {"audit", "audit/tree", "storage"},
	"mail":                     {"audit", "storage"},
	"mutants":                  {}, // changes the others, and knows none of them
	"netid":                    {"cms"},
	"netid/netidlogin":         {"bankid", "eid", "evidence", "netid", "personnummer", "storage"},
	"netid/netidsim":           {},
	"notice":                   {"storage"},
	"op":                       {"audit", "cache", "handling", "keys", "limit", "outbound", "personnummer", "storage", "visibletext"},
	"op/interop":               {}, // tests alone
	"outbound":                 {},
	"personnummer":             {},
	"presets":                  {"clients", "storage"},
	"schedule":                 {},
	"secret":                   {},
	"spelling":                 {},
	"storage":                  {},
	"storage/bolt":             {"cache", "storage"},
	"storage/postgres":         {"cache", "storage"},
	"storage/postgres/pgtest":  {"freeport"}, // for tests
	"storage/storagetest":      {"storage"},
	"templates":                {},
	"tracing":                  {},
	"visibletext":              {},
	"web":                      {"audit", "background", "cache", "eid", "handling", "login", "outbound", "schedule", "storage", "templates"},
	"web/api":                  {"account", "admin", "audit", "audit/tree", "clients", "duration", "evidence", "handling", "keys", "limit", "logins", "notice", "storage"},
	"web/console":              {"account", "admin", "audit", "clients", "bankid", "docs", "duration", "evidence", "handling", "keys", "logins", "notice", "personnummer", "presets", "spelling", "storage", "templates"},
	"web/bankidapi":            {"account", "admin", "limit", "login", "personnummer", "storage", "visibletext"},
	"web/browsertest":          {}, // for tests
	"web/netiddialect":         {"eid", "login", "netid", "web"},
	"web/demo":                 {},
	"webhook":                  {},
}

// closed are modules that only the packages named may know, as no other should speak their language. Those with none are for
// tests. The benchmark drives everything from outside, with whatever serves.
var closed = map[string][]string{
	"github.com/zitadel/oidc":       {"op"},
	"go.etcd.io/bbolt":              {"storage/bolt"},
	"github.com/jackc":              {"storage/postgres", "storage/postgres/pgtest"},
	"github.com/spf13/cobra":        {"cmd/brygga"},
	"github.com/goccy/go-yaml":      {"clients", "cmd/brygga/config", "templates", "web/console"},
	"github.com/prometheus":         {"cmd/brygga"},
	"go.opentelemetry.io":           {"tracing"},
	"github.com/coreos/go-oidc":     {"examples/go", "web/demo"},
	"golang.org/x/oauth2":           {"examples/go", "web/demo"},
	"github.com/a-h/templ":          {"templates", "web/console"},
	"software.sslmate.com/src":      {"bankid"},
	"github.com/go-webauthn":        {"account"},
	"github.com/wneessen":           {"mail"},
	"github.com/digitorus":          {"cms", "evidence", "bankid/bankidsim", "netid", "netid/netidsim", "web/demo"},
	"github.com/emersion":           {},
	"github.com/rogpeppe":           {},
	"github.com/chromedp":           {"web/browsertest"},
	"github.com/makiuchi-d/gozxing": {"bankid/bankidsim"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImports(t *testing.T) {
	all := packages(t)
	if len(all) < 12 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	for _, p := range all {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, "brygga"), "/")
		if name == "" {
			continue // this package, which is tests alone
		}
		may, known := allowed[name]
		if !known {
			t.Errorf("package %s is not in the table of imports", name)
			continue
		}
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, "brygga/")
			if isOurs && may != nil && ours != "secret" && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s, which is not its to know", name, ours)
			}
			for module, knowers := range closed {
				if strings.HasPrefix(imported, module) && !slices.Contains(knowers, name) && name != "cmd/bench" {
					t.Errorf("%s imports %s, which belongs to %v", name, imported, knowers)
				}
			}
			if name == "web/demo" && isOurs {
				t.Errorf("web/demo imports %s: it is a sample for people without our packages", imported)
			}
		}
	}
}
