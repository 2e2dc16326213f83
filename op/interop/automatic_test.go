package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// automaticLogin runs the script that apps' own tests may use, on the demo app.
func automaticLogin(t *testing.T, p *provider) {
	person := p.newPerson(t)
	run := func(how ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", append([]string{filepath.Join(root, "examples", "automatic-login", "login.sh"), p.demo + "/login", person}, how...)...)
		cmd.Env = append(os.Environ(), "PHONE="+p.phone, "JAR="+filepath.Join(t.TempDir(), "cookies"))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if shown := run(); !strings.Contains(shown, person) || !strings.Contains(shown, "Bo Prov") {
		t.Errorf("logged in, the app shows\n%s", shown)
	}
	if shown := run("cancel"); !strings.Contains(shown, "access_denied") || strings.Contains(shown, person) {
		t.Errorf("cancelled, the app shows\n%s", shown)
	}
}
