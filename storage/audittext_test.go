package storage

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// eventsOfForms returns events of every form that the text of one may have.
func eventsOfForms() []AuditEvent {
	at := time.Date(2026, 3, 4, 5, 6, 7, 123456000, time.UTC)
	fields := map[string]string{"CLIENT_ID": "shop", "RESULT": "ok", "a": "", "Å": "räksmörgås", "": "no name"}
	odd := map[string]string{
		"quoted": `a "b" \ c`, "html": "<script>&amp;</script>", "lines": "a\nb\tc\x00\x1f\x7f", "separators": "\u2028\u2029€", "broken": "\xff\xc3 a", "\"": "n", "\xff": "m",
	}
	return []AuditEvent{
		{}, {ID: "e1", Time: at, Type: "WEB_100001", Expires: at.AddDate(1, 0, 0)},
		{ID: "e2", Time: at, Type: "WEB_100002", Reference: "ABCD-EFGH", Fields: fields, Expires: at.Truncate(time.Second)},
		{ID: "e3", Time: at.In(time.FixedZone("", 3600)), Type: "<t>", Reference: `"`, Fields: odd, Expires: at},
		{ID: "e4", Time: at, Fields: map[string]string{}, Expires: at},
	}
}

// The text is what is hashed: it must be what package json makes, as it was when the first events were signed.
func TestAuditTextIsThatOfPackageJSON(t *testing.T) {
	for _, event := range eventsOfForms() {
		want, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := AuditText(&event); err != nil || string(got) != string(want) {
			t.Errorf("AuditText = %s, %v, want %s", got, err, want)
		}
	}
	for _, at := range []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 25*3600))} {
		for _, event := range []AuditEvent{{Time: at}, {Expires: at}} {
			if text, err := AuditText(&event); err == nil {
				t.Errorf("an event at %v has the text %s", at, text)
			}
		}
	}
}

func FuzzAuditText(f *testing.F) {
	f.Add("e1", "WEB_100001", "ABCD-EFGH", "CLIENT_ID", "shop", int64(1772600767123456))
	f.Add("<", "\u2028", "\xff", "\n", `\"`, int64(0))
	f.Add("", "", "", "", "", int64(-1))
	f.Fuzz(func(t *testing.T, id, kind, reference, name, value string, at int64) {
		event := AuditEvent{
			ID: id, Time: time.UnixMicro(at).UTC(), Type: kind, Reference: Reference(reference), Fields: map[string]string{name: value, value: name}, Expires: time.UnixMicro(at / 2).UTC(),
		}
		want, wantErr := json.Marshal(event)
		got, err := AuditText(&event)
		if string(got) != string(want) || (err == nil) != (wantErr == nil) {
			t.Fatalf("AuditText = %s, %v, want %s, %v", got, err, want, wantErr)
		}
		if err == nil {
			sameAsPackageJSON(t, got)
		}
	})
}

func FuzzParseAuditText(f *testing.F) {
	for _, event := range eventsOfForms() {
		text, err := AuditText(&event)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{
		``, `{}`, `null`, `[]`, ` {"id":"a"} `, `{"ID":"a","Type":"b"}`, `{"id":"a","id":"b"}`, `{"id":"a","time":"2026-03-04T05:06:07Z","type":"t","expires":"2026-03-04T05:06:07Z"}x`,
		`{"id":"a","time":"2026-03-04T05:06:07,5Z","type":"t","expires":"2026-03-04T05:06:07Z"}`,
		`{"id":"a","time":"2026-03-04T5:06:07Z","type":"t","expires":"2026-03-04T05:06:07Z"}`,
		`{"id":"a","time":"2026-03-04T05:06:07Z","type":"t","fields":{},"expires":"2026-03-04T05:06:07Z"}`,
		`{"id":"a","time":"2026-03-04T05:06:07Z","type":"t","fields":{"a":"b","a":"c"},"expires":"2026-03-04T05:06:07Z"}`,
		`{"id":"a","time":"2026-03-04T05:06:07Z","type":"t","fields":{"a":"b",},"expires":"2026-03-04T05:06:07Z"}`,
		"{\"id\":\"a\nb\",\"time\":\"2026-03-04T05:06:07Z\",\"type\":\"t\",\"expires\":\"2026-03-04T05:06:07Z\"}",
		"{\"id\":\"\xff\",\"time\":\"2026-03-04T05:06:07Z\",\"type\":\"t\",\"expires\":\"2026-03-04T05:06:07Z\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(sameAsPackageJSON)
}

// sameAsPackageJSON fails unless ParseAuditText makes of the text what package json does.
func sameAsPackageJSON(t *testing.T, text []byte) {
	var want AuditEvent
	wantErr := json.Unmarshal(text, &want)
	got, err := ParseAuditText(text)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: error %v, want %v", text, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %+v, want %+v", text, got, want)
	}
}

// A text as it is usually stored is read without package json: into one text, and the map of its fields.
func TestAuditTextsAreReadAtOnce(t *testing.T) {
	event := eventsOfForms()[2]
	text, err := AuditText(&event)
	if err != nil {
		t.Fatal(err)
	}
	r := auditReader{bytes: text, rest: string(text)}
	if !r.event(new(AuditEvent)) {
		t.Errorf("%s is read by package json", text)
	}
}
