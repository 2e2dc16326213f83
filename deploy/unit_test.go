package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// exposure is the most that "systemd-analyze security" may find, in tenths: it calls what is below 2.0 safe.
const exposure = "20"

// units are the drop-ins that may stand beside the unit.
var units = map[string][]string{
	"as it is":              nil,
	"with an encrypted key": {"encrypted-key.conf"},
	"on a low port":         {"low-port.conf"},
	"with both":             {"encrypted-key.conf", "low-port.conf"},
}

// TestUnit: systemd finds nothing wrong with the unit, and little that the server could do beside what it is for.
func TestUnit(t *testing.T) {
	for name, dropIns := range units {
		t.Run(name, func(t *testing.T) {
			unit := layUnit(t, dropIns...)
			if told, err := verify(unit); err != nil || told != "" {
				t.Errorf("systemd-analyze verify: %v\n%s", err, told)
			}
			if told, err := security(unit); err != nil {
				t.Errorf("systemd-analyze security: %v\n%s", err, told)
			}
		})
	}
}

// TestUnitIsLookedAt: what TestUnit relies on notices what is wrong, in the unit and in a drop-in, and a unit that may do everything.
func TestUnitIsLookedAt(t *testing.T) {
	unit := layUnit(t)
	text := read(t, unit)
	write(t, unit, strings.Replace(text, "Type=notify", "Type=notifies", 1))
	if told, _ := verify(unit); !strings.Contains(told, "notifies") {
		t.Errorf("a wrong type: %q", told)
	}
	write(t, unit, text)
	dropIn := filepath.Join(unit+".d", "wrong.conf")
	write(t, dropIn, "[Service]\nPrivateUser=no\n")
	if told, _ := verify(unit); !strings.Contains(told, "PrivateUser") {
		t.Errorf("a wrong key in a drop-in: %q", told)
	}
	write(t, dropIn, "[Service]\nPrivateUsers=no\nCapabilityBoundingSet=~\nProtectSystem=no\nPrivateDevices=no\n")
	if told, err := security(unit); err == nil {
		t.Errorf("what a drop-in opens is found safe:\n%s", told)
	}
}

// layUnit writes the unit with drop-ins into a directory, and something in the place of the program that verify wants to find.
func layUnit(t *testing.T, dropIns ...string) (unit string) {
	t.Helper()
	root := t.TempDir()
	program, unit := filepath.Join(root, "brygga"), filepath.Join(root, "brygga.service")
	write(t, program, "#!/bin/sh\n")
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	text := read(t, "systemd/brygga.service")
	if !strings.Contains(text, "\nExecStart=/usr/bin/brygga ") {
		t.Fatal("the unit does not start /usr/bin/brygga")
	}
	write(t, unit, strings.Replace(text, "ExecStart=/usr/bin/brygga ", "ExecStart="+program+" ", 1))
	for _, name := range dropIns {
		write(t, filepath.Join(unit+".d", name), read(t, filepath.Join("systemd", name)))
	}
	return unit
}

// verify returns what systemd complains of in the unit.
func verify(unit string) (string, error) {
	return analyze(unit, "verify", "--man=no", "--recursive-errors=one")
}

// security returns what the unit may do, and an error when that is too much.
func security(unit string) (string, error) {
	return analyze(unit, "security", "--no-pager", "--offline=true", "--threshold="+exposure)
}

func analyze(unit string, arguments ...string) (string, error) {
	cmd := exec.Command("systemd-analyze", append(arguments, unit)...)
	cmd.Env = append(os.Environ(), "SYSTEMD_COLORS=0", "SYSTEMD_UNIT_PATH="+filepath.Dir(unit)+":") // what follows the colon are the usual ones
	told, err := cmd.CombinedOutput()
	return string(told), err
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
