package evidence

import (
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"brygga/bankid"
)

// TestProgramByOthersAgrees hands each falsified file to a program that shares no code with this package, Debian's Python with its cryptography
// and OpenSSL for time stamps and PKCS#7. It must believe what is whole and refuse all else, by the same check.
func TestProgramByOthersAgrees(t *testing.T) {
	s := whole(t)
	agrees(t, s, changes(t, s), must(simulator().SignatureRootPEM()))
}

func TestProgramByOthersAgreesOnNetID(t *testing.T) {
	c := newCards(t)
	s := wholeNetID(t, c, soldText, []byte("contract 17"))
	all := netIDChanges(t, c, s)
	agrees(t, s, all, c.sim.IssuerPEM())
	login := wholeNetID(t, c, "", nil)
	agrees(t, login, nil, c.sim.IssuerPEM())
	for _, format := range bareFormats {
		c := cardsOf(t, format)
		s := wholeNetID(t, c, "", nil)
		agrees(t, s, bareChanges(t, c, s), c.sim.IssuerPEM())
	}
}

// agrees has the other program verify evidence that is whole, and falsified files of it. Both root and issuer are of that file.
func agrees(t *testing.T, s *sample, all map[string]change, trusted []byte) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root := write("root.pem", trusted)
	office := write("office.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.office.root.Raw}))
	names, want := []string{"whole"}, map[string]string{}
	files := []string{write("0", must(s.file.Text()))}
	for name, c := range all {
		files = append(files, write(fmt.Sprint(len(files)), must(c.file.Text())))
		names = append(names, name)
		want[name] = string(c.check)
	}
	arguments := append([]string{"-W", "ignore", "testdata/verify.py", "--root", root, "--netid-issuer", root, "--key", s.anchors.AuditKey, "--stamp-root", office}, files...)
	out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", arguments...).Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(files) {
		t.Fatalf("%d files, %d answers: %v\n%s", len(files), len(lines), err, stderr(err))
	}
	for i, name := range names {
		_, said, _ := strings.Cut(lines[i], " ")
		refused := strings.Fields(strings.TrimPrefix(said, "refused"))
		switch {
		case name == "whole" && said != "ok":
			t.Errorf("what is whole: got %q", said)
		case name != "whole" && (said == "ok" || !contains(refused, want[name])):
			t.Errorf("%s: got %q, want it refused by %s", name, said, want[name])
		}
	}
}

// contains reports whether the other program refused by that check. It reads XML by a pattern, which does not tell a document with another
// algorithm from one of another form.
func contains(refused []string, check string) bool {
	for _, one := range refused {
		if one == check || check == string(bankid.CheckAlgorithm) && one == string(bankid.CheckStructure) {
			return true
		}
	}
	return false
}

func stderr(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.Stderr
	}
	return nil
}
