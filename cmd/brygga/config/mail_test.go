package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mailFaults returns what is wrong with a section mail.
func mailFaults(t *testing.T, section string) (string, Mail) {
	t.Helper()
	directory := t.TempDir()
	path := filepath.Join(directory, "brygga.yaml")
	if err := os.WriteFile(filepath.Join(directory, "mail.password"), []byte("hemligt\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mail:\n  "+strings.ReplaceAll(section, "; ", "\n  ")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var found Mail
	_, err := Load(path, nil, func(c *Config, _ Findings) { found = c.Mail })
	var lines []string
	for line := range strings.Lines(err.Error()) { // an empty installation has faults of its own
		if strings.Contains(line, "mail.") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, ""), found
}

func TestMail(t *testing.T) {
	for section, want := range map[string]string{
		"from: brygga@example.se":                                               "mail.from: is set without a server",
		"host: smtp.example.se":                                                 "mail.from: is no address",
		"host: smtp.example.se; from: brygga@example.se; tls: none":             "in the clear",
		"host: smtp.example.se; from: brygga@example.se; tls: ssl":              "mail.tls: ",
		"host: smtp.example.se; from: brygga@example.se; port: 70000":           "mail.port: is no port",
		"host: smtp.example.se; from: brygga@example.se; password: x":           "mail.user: is missing",
		"host: smtp.example.se; from: \"a@b.se\\r\\nBcc: c@d.se\"":              "mail.from: is no address",
		"host: https://smtp.example.se; from: brygga@example.se":                "mail.host: is no host name",
		"host: smtp.example.se; from: brygga@example.se; root_ca_file: nowhere": "mail.root_ca_file: ",
	} {
		if got, _ := mailFaults(t, section); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", section, got, want)
		}
	}
	for section, port := range map[string]int{
		"host: smtp.example.se; from: \"Brygga <brygga@example.se>\"; user: u; password_file: mail.password": 587,
		"host: smtp.example.se; from: brygga@example.se; tls: tls":                                           465,
		"host: localhost; from: brygga@example.se; tls: none":                                                25,
		"host: \"::1\"; from: brygga@example.se; tls: none; port: 1025":                                      1025,
	} {
		faults, found := mailFaults(t, section)
		if faults != "" || found.Port != port {
			t.Errorf("%s: port %d, %q", section, found.Port, faults)
		}
		if strings.Contains(section, "password_file") && found.Password.Reveal() != "hemligt" {
			t.Error("the password was not read")
		}
	}
}
