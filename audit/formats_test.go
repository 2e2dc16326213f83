package audit

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

func anEvent() *storage.AuditEvent {
	return &storage.AuditEvent{
		ID: "e1", Time: time.UnixMilli(1_772_366_400_123).UTC(), Type: string(ClientChanged), Reference: "7QX4-2MKD",
		Fields: map[string]string{
			"SOURCE_ADDRESS": "192.0.2.7", "CLIENT_ID": "a=b|c", "MESSAGE": `back\slash`, "ACTOR": "=cmd()", "CHANGED": "name", "BEFORE.name": "old", "AFTER.name": "=1+1",
			"DEVICE": "this", "COURSE": "x", "SECONDS": "1", "TXN": "t",
		},
	}
}

func TestCEF(t *testing.T) {
	want := `CEF:0|Brygga|brygga|1.0\|x|ADM_300002|client changed|3|rt=1772366400123 externalId=e1 cs1Label=REFERENCE cs1=7QX4-2MKD src=192.0.2.7 ` +
		`msg=back\\slash cs2Label=CLIENT_ID cs2=a\=b|c cs3Label=TXN cs3=t cs4Label=DEVICE cs4=this cs5Label=COURSE cs5=x cs6Label=SECONDS cs6=1 duser=\=cmd() ` +
		`ad.CHANGED=name ad.AFTER_name=\=1+1 ad.BEFORE_name=old`
	if got := CEF("1.0|x")(anEvent()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	forged := anEvent()
	forged.Fields["MESSAGE"] = "a\nCEF:0|forged"
	if got := CEF("1")(forged); strings.Contains(got, "\n") {
		t.Errorf("a value begins another line: %q", got)
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	if err := NewTable(&out).Write(*anEvent()); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[0]) != len(rows[1]) {
		t.Fatalf("%d rows, %v: %s", len(rows), err, out.String())
	}
	row := map[string]string{}
	for i, name := range rows[0] {
		row[name] = rows[1][i]
	}
	for name, want := range map[string]string{
		"time": "2026-03-01T12:00:00.123Z", "event": "ADM_300002", "text": "client changed", "reference": "7QX4-2MKD", "client_id": "a=b|c", "actor": "'=cmd()",
		"other": "AFTER.name==1+1; BEFORE.name=old", "id": "e1",
	} {
		if row[name] != want {
			t.Errorf("%s is %q, want %q", name, row[name], want)
		}
	}
}

func TestSeverity(t *testing.T) {
	for kind, want := range map[Type]int{LoginCompleted: 1, KeyCreated: 3, LoginFailed: 4, BindingRefused: 6, TokenReused: 8} {
		if got := kind.Severity(); got != want {
			t.Errorf("%s: %d, want %d", kind, got, want)
		}
	}
}
