package main

import (
	"encoding/pem"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"brygga/evidence"
)

// writeRoot writes the root that evidence carries to a PEM file, and has the key of its audit log as LOGKEY: root EVIDENCE FILE.
func writeRoot(ts *testscript.TestScript, _ bool, args []string) {
	f, err := evidence.Read([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Record.Root}), 0o600))
	ts.Setenv("LOGKEY", f.Proof.Key)
}
