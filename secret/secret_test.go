package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"brygga/secret"
)

const canary = "197001011234"

func TestStringNeverPrints(t *testing.T) {
	s := secret.New(canary)
	type around struct {
		Public  secret.String
		private secret.String
	}
	record := around{Public: s, private: s}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		for _, value := range []any{s, &s, record, &record, []secret.String{s}, map[string]secret.String{"k": s}} {
			got := fmt.Sprintf(format, value)
			if strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) {
				t.Errorf("Sprintf(%q, %T) shows the secret: %s", format, value, got)
			}
		}
	}
}

func TestStringNeverEncodes(t *testing.T) {
	text, err := json.Marshal(map[string]any{"s": secret.New(canary), "p": struct{ S secret.String }{secret.New(canary)}})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(canary)) {
		t.Errorf("JSON shows the secret: %s", text)
	}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(handler).Info("message", "s", secret.New(canary), slog.Group("g", "s", secret.New(canary)))
	}
	if strings.Contains(log.String(), canary) || !strings.Contains(log.String(), "[redacted]") {
		t.Errorf("log shows the secret, or nothing: %s", log.String())
	}
}

func TestStringEqual(t *testing.T) {
	for _, test := range []struct {
		name string
		a, b secret.String
		want bool
	}{
		{"same text", secret.New("a"), secret.New("a"), true},
		{"other text", secret.New("a"), secret.New("b"), false},
		{"prefix", secret.New("a"), secret.New("ab"), false},
		{"zero and empty", secret.String{}, secret.New(""), true},
		{"zero and text", secret.String{}, secret.New("a"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.a.Equal(test.b); got != test.want {
				t.Errorf("Equal = %v, want %v", got, test.want)
			}
		})
	}
	if !(secret.String{}).IsZero() || secret.New("a").IsZero() || secret.New("a").Reveal() != "a" {
		t.Error("IsZero or Reveal do not tell the text")
	}
}
