package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestSettings: each key tells its value and where it comes from, and no secret is among them.
func TestSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "brygga.yaml")
	if err := os.WriteFile(file, []byte("issuer: http://localhost:8080\naudit:\n  retention: 30d\nmaster_key: a-secret-of-thirty-two-bytes-at-least-so\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Config{}
	r := &reader{places: places{"": {file: file}}}
	c.setDefaults()
	text, _ := os.ReadFile(file)
	r.parse(file, string(text), "", reflect.ValueOf(c))
	r.environment([]string{"BRYGGA_LOG_LEVEL=debug"}, reflect.ValueOf(c).Elem())
	c.places = r.places
	found := map[string]Setting{}
	for _, s := range c.Settings() {
		found[s.Key] = s
		if strings.Contains(s.Value, "a-secret") {
			t.Errorf("%s shows a secret", s.Key)
		}
	}
	if s := found["audit.retention"]; s.Value != "30d" || s.File != file || s.Line != 3 {
		t.Errorf("from the file: %+v", s)
	}
	if s := found["log.level"]; s.Value == "" || !strings.Contains(s.File, "BRYGGA_LOG_LEVEL") {
		t.Errorf("from a variable: %+v", s)
	}
	if s := found["listen"]; s.Value == "" || s.File != "" {
		t.Errorf("by default: %+v", s)
	}
	if s := found["master_key"]; s.Value != "•••" {
		t.Errorf("a secret: %+v", s)
	}
}
