package netiddialect

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"brygga/eid"
	"brygga/login"
	"brygga/netid"
	"brygga/secret"
	"brygga/web"
)

func TestRead(t *testing.T) {
	for body, want := range map[string]web.Asked{
		`{"action":"start"}`:                              {Do: web.DoStart},
		` {"action":"start", "touchPoints":5} `:           {Do: web.DoStart, TouchPoints: 5},
		`{"action":"start","identifier":"se2321-kim"}`:    {Do: web.DoStart, Identifier: secret.New("se2321-kim")},
		`{"action":"poll"}`:                               {Do: web.DoPoll},
		`{"authRef":"abc","action":"poll"}`:               {Do: web.DoPoll, Handle: "abc"},
		"{\"action\":\"cancel\",\n\"authRef\":\"abc\"}\n": {Do: web.DoCancel, Handle: "abc"},
	} {
		got, err := New().Read([]byte(body))
		if err != nil || got.Do != want.Do || got.Handle != want.Handle || got.TouchPoints != want.TouchPoints || got.Identifier.Reveal() != want.Identifier.Reveal() {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{
		``, `[]`, `"start"`, `{}`, `{"action":"start"`, `{"action":"start"}{}`, `{"action":"start"} x`, `{"action":"Start"}`, `{"Action":"start"}`, `{"action":1}`,
		`{"action":null}`, `{"action":"start","action":"poll"}`, `{"action":"start","authRef":"abc"}`, `{"action":"poll","identifier":"x"}`,
		`{"action":"poll","touchPoints":1}`, `{"action":"start","identifier":""}`, `{"action":"start","identifier":1}`, `{"action":"start","identifier":null}`,
		`{"action":"start","personalNumber":"199001012385"}`, `{"action":"poll","authRef":"` + strings.Repeat("a", 65) + `"}`,
		`{"action":"start","identifier":"` + strings.Repeat("a", 257) + `"}`, `{"action":"start","touchPoints":-1}`, `{"action":"start","touchPoints":256}`,
		`{"action":"start","touchPoints":1.5}`, "{\"action\":\"start\",\"identifier\":\"\xff\"}", `{"action":"start",}`, `{action:"start"}`,
	} {
		got, err := New().Read([]byte(body))
		if err == nil {
			t.Errorf("%s is read as %+v", body, got)
		} else if strings.Contains(err.Error(), "199001012385") || strings.Contains(err.Error(), "personalNumber") {
			t.Errorf("%s: the error repeats what was sent: %v", body, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"action":"start","identifier":"x","touchPoints":5}`))
	f.Add([]byte(`{"action":"poll","authRef":"abc"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		asked, err := New().Read(body)
		if err == nil && (!json.Valid(body) || asked.Do == "" || asked.Do != web.DoStart && !asked.Identifier.IsZero()) {
			t.Errorf("%q is read as %+v", body, asked)
		}
	})
}

// The words that the older product's page is known to have.
var (
	statuses = []string{"ABOUT_TO_START", "PENDING", "COMPLETED", "ERROR"}
	codes    = []string{
		"INVALID_PARAMETERS", "ACCESS_DENIED_RP", "SIGN_VALIDATION_FAILED", "RETRY", "USER_SIGN", "COMPLETE", "USER_BLOCKED", "INTERNAL_ERROR", "UNKNOWN_USER",
		"ALREADY_COLLECTED", "INVALID_DEVICESW", "ALREADY_IN_PROGRESS", "USER_CANCEL", "CANCELLED", "EXPIRED_TRANSACTION", "OUTSTANDING_TRANSACTION", "PENDING",
		"UNKNOWN",
	}
)

func told(t *testing.T, of web.Told) (a answer) {
	t.Helper()
	text, err := json.Marshal(New().Tell(of))
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil || !slices.Contains(statuses, a.Status) || !slices.Contains(codes, a.NiasStatus) {
		t.Errorf("%+v is told as %s, %v", of, text, err)
	}
	return a
}

// TestTell has whatever a login comes to told in the words that the older page knows, and nobody told who has a credential.
func TestTell(t *testing.T) {
	for _, c := range []struct {
		of   web.Told
		want string
	}{
		{web.Told{}, "ABOUT_TO_START PENDING"},
		{web.Told{Stage: web.StageStarting}, "ABOUT_TO_START PENDING"},
		{web.Told{Stage: web.StagePending, Code: "OUTSTANDING_TRANSACTION"}, "PENDING OUTSTANDING_TRANSACTION"},
		{web.Told{Stage: web.StagePending, Code: "NO_CLIENT"}, "PENDING OUTSTANDING_TRANSACTION"},
		{web.Told{Stage: web.StagePending}, "PENDING OUTSTANDING_TRANSACTION"},
		{web.Told{Stage: web.StagePending, Code: "STARTED"}, "PENDING PENDING"},
		{web.Told{Stage: web.StagePending, Code: "USER_SIGN"}, "PENDING USER_SIGN"},
		{web.Told{Stage: web.StagePending, Code: "SOMETHING_NEW"}, "PENDING PENDING"},
		{web.Told{Stage: web.StageComplete}, "COMPLETED COMPLETE"},
		{web.Told{Stage: web.StageReplaced}, "ERROR CANCELLED"},
		{web.Told{Stage: web.StageFailed, Reason: "pageCancel"}, "ERROR CANCELLED"},
		{web.Told{Stage: web.StageFailed, Reason: "USER_CANCEL"}, "ERROR USER_CANCEL"},
		{web.Told{Stage: web.StageFailed, Reason: "unavailable", Code: "RETRY"}, "ERROR RETRY"},
		{web.Told{Stage: web.StageFailed, Reason: "unavailable", Code: "no answer"}, "ERROR INTERNAL_ERROR"},
		{web.Told{Stage: web.StageFailed, Reason: "EXPIRED_TRANSACTION", Code: "UNKNOWN_USER"}, "ERROR EXPIRED_TRANSACTION"},
		{web.Told{Stage: web.StageFailed, Reason: "alreadyInProgress", Code: "USER_BLOCKED"}, "ERROR ALREADY_IN_PROGRESS"},
		{web.Told{Stage: web.StageFailed, Reason: "unanswered", Code: "USER_CANCEL"}, "ERROR EXPIRED_TRANSACTION"},
		{web.Told{Stage: web.StageFailed, Reason: "UNKNOWN_USER"}, "ERROR UNKNOWN"},
		{web.Told{Stage: web.StageFailed, Reason: "UNKNOWN", Code: "Something broke"}, "ERROR UNKNOWN"},
		{web.Told{Stage: web.StageFailed, Reason: "resultUnverified"}, "ERROR SIGN_VALIDATION_FAILED"},
	} {
		if a := told(t, c.of); a.Status+" "+a.NiasStatus != c.want {
			t.Errorf("%+v is told as %s %s, want %s", c.of, a.Status, a.NiasStatus, c.want)
		}
	}
	var reasons []string
	for _, code := range netid.Codes() {
		reasons = append(reasons, string(code))
		told(t, web.Told{Stage: web.StagePending, Code: string(code)})
	}
	for _, reason := range append(append(reasons, login.Reasons()...), eid.ReasonForeignResult, "FREJA_ERROR") {
		if a := told(t, web.Told{Stage: web.StageFailed, Reason: reason}); a.Status != "ERROR" || a.NiasStatus == "UNKNOWN_USER" || a.NiasStatus == "USER_BLOCKED" {
			t.Errorf("%s is told as %+v", reason, a)
		}
	}
}
