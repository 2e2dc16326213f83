package main

import (
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"brygga/login"
	"brygga/storage"
)

// TestNameIsTheAppsName_U15_T06: the page and the BankID app name the same client, in the language of the page.
func TestNameIsTheAppsName_U15_T06(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	for language, name := range map[string]string{"sv": "Demoappen", "en": "Demo app"} {
		v := newVisitor(t, d, computerAgent)
		page := v.begin("?language=" + language)
		if body := v.get(page).body; !strings.Contains(body, `<p class="name">`+name+`</p>`) {
			t.Errorf("%s: the page does not name %s", language, name)
		}
		v.post(page+"/start", "device", "other")
		order := v.phone("scan", map[string]string{"qr": v.frame(page), "personalNumber": person})
		if !strings.Contains(order.VisibleText, name) {
			t.Errorf("%s: the app shows %q", language, order.VisibleText)
		}
		v.post(page + "/cancel")
	}
}

// TestExpiredLoginsAreSwept_RowA14: a server that runs removes what has expired, without being asked.
func TestExpiredLoginsAreSwept_RowA14(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	id := path.Base(newVisitor(t, d, computerAgent).begin(""))
	alive := d.sim.Now() // for the store, which tells of no login that is over
	if _, err := d.server.store.Login(t.Context(), id, alive); err != nil {
		t.Fatal(err)
	}
	if _, err := d.sim.Advance(login.DefaultLife + time.Minute); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(3 * sweepEvery); ; time.Sleep(50 * time.Millisecond) {
		_, err := d.server.store.Login(t.Context(), id, alive)
		if errors.Is(err, storage.ErrNotFound) {
			return
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the login is still there (error %v)", err)
		}
	}
}
