package op

import (
	"bytes"
	"testing"

	"brygga/secret"
	"brygga/storage"
)

func personKey(name, value string) storage.PersonKey {
	return storage.PersonKey{Name: name, Value: secret.New(value)}
}

// TestSubjectsAreKept: what clients know people by stays what it was, whatever else an eID says of them.
func TestSubjectsAreKept(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.SubjectKey = bytes.Repeat([]byte{7}, 32) })
	person := storage.Identity{PersonalNumber: secret.New("191212121212")}
	also := person
	also.Keys = []storage.PersonKey{personKey("hsaId", "SE2321000016-1")}
	for _, test := range []struct {
		kind, sector, want string
	}{
		{storage.SubjectPairwise, "app.example.se", "ED3ZsVKt7E1mEvwUV_H9BfeGg-pHEFJ8nr_PS1NO9UU"},
		{"", "app.example.se", "ED3ZsVKt7E1mEvwUV_H9BfeGg-pHEFJ8nr_PS1NO9UU"},
		{storage.SubjectPublic, "app.example.se", "zaw-bTlMyA8kb6bwyR_JK2HM4QE-saRXcZ8BEmqvQPw"},
	} {
		client := &storage.Client{ID: "app", SubjectType: test.kind, Sector: test.sector}
		for _, keys := range [][]string{nil, {storage.KeyPersonalNumber}, {"tagId", storage.KeyPersonalNumber, "hsaId"}} {
			client.Policy.PersonKeys = keys
			for _, who := range []*storage.Identity{&person, &also} {
				if got := h.Subject(client, who); got != test.want {
					t.Errorf("%q, known by %q: %s, want %s", test.kind, keys, got, test.want)
				}
			}
		}
	}
}

// TestSubjectsOfOtherKeysAreKept: what is stored with clients must never change.
func TestSubjectsOfOtherKeysAreKept(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.SubjectKey = bytes.Repeat([]byte{7}, 32) })
	kim := storage.Identity{Keys: []storage.PersonKey{
		personKey(storage.KeyHSAID, "SE2321000016-KIM1"), {Name: storage.KeyEmployeeNumber, Issuer: "Region CA", Value: secret.New("1001")},
		personKey(storage.KeyPrincipalName, "kim@region.example"),
	}}
	for key, want := range map[string][2]string{
		storage.KeyHSAID:          {"bR_sM4BK8Tkv-Q5QfoaVW8qmv-cvtjDL3Z5QqjNlsEk", "GRykAUczzpI1b4iyo96CgGlMziaL7Ale5_lj5AL8FVk"},
		storage.KeyEmployeeNumber: {"v3jLsszUJ2pn3XIvMOU_t3Hp3X2qpiOLCdJDDqeLff8", "Yi4jAOg2ZkWjFRDKQeg1MAKKsusVI27CIZmt9R4X1tY"},
		storage.KeyPrincipalName:  {"7yk48e39cyAGueFuUD0sq-LcYdJnrHGyF0hZqxV6MB4", "CkRYVR3lM-odG2XgjPw5mRDhGQK_jC8Ne9PgqChVirY"},
	} {
		for i, kind := range []string{storage.SubjectPairwise, storage.SubjectPublic} {
			client := &storage.Client{ID: "app", SubjectType: kind, Sector: "app.example.se", Policy: storage.Policy{PersonKeys: []string{storage.KeyPersonalNumber, key}}}
			if got := h.Subject(client, &kim); got != want[i] {
				t.Errorf("%s, known by %s: %s, want %s", kind, key, got, want[i])
			}
		}
	}
}

// TestSubjectsOfOtherKeys: a person is known by the first key that the client's policy names, no two keys meet, and who has none is nobody.
func TestSubjectsOfOtherKeys(t *testing.T) {
	h := newHarness(t, nil)
	client := func(keys ...string) *storage.Client {
		return &storage.Client{ID: "app", Policy: storage.Policy{PersonKeys: keys}}
	}
	nurse := storage.Identity{Keys: []storage.PersonKey{personKey("upn", "kim@region.example"), personKey("hsaId", "SE2321000016-1")}}
	byHSA := h.Subject(client("hsaId"), &nurse)
	if first := h.Subject(client(storage.KeyPersonalNumber, "hsaId", "upn"), &nurse); first != byHSA || len(byHSA) != 43 {
		t.Errorf("known by the second key of the policy as %q, want %q", first, byHSA)
	}
	other := client("hsaId")
	other.Sector = "elsewhere"
	for name, subject := range map[string]string{
		"by another key":            h.Subject(client("upn", "hsaId"), &nurse),
		"another key of that value": h.Subject(client("upn"), &storage.Identity{Keys: []storage.PersonKey{personKey("upn", "SE2321000016-1")}}),
		"a number of that value":    h.Subject(client(), &storage.Identity{PersonalNumber: secret.New("SE2321000016-1")}),
		"for another sector":        h.Subject(other, &nurse),
	} {
		if subject == byHSA || subject == "" {
			t.Errorf("%s the subject is %q", name, subject)
		}
	}
	employee := func(issuer string) string {
		return h.Subject(client(storage.KeyEmployeeNumber), &storage.Identity{Keys: []storage.PersonKey{{Name: storage.KeyEmployeeNumber, Issuer: issuer, Value: secret.New("1001")}}})
	}
	if first, again := employee("A"), employee("A"); first == employee("B") || first != again || first == employee("") {
		t.Error("the employees of two issuers are one person")
	}
	for _, unknown := range []*storage.Client{client(), client(storage.KeyPersonalNumber), client("tagId")} {
		if subject := h.Subject(unknown, &nurse); subject != "" || h.knows(unknown, &nurse) {
			t.Errorf("to a client that knows people by %q they are %q", unknown.Policy.PersonKeys, subject)
		}
	}
}

// TestUnknownPersonIsNotAnswered: a client whose policy has changed gets nobody whom it cannot tell from others, out of a login or a session.
func TestUnknownPersonIsNotAnswered(t *testing.T) {
	h := newHarness(t, nil)
	login := h.begin(params("web", callback))
	nurse := storage.Identity{Method: "tag", Keys: []storage.PersonKey{personKey("hsaId", "SE2321000016-1")}}
	_, values := redirected(t, h.answer(h.complete(login, nurse)))
	if values.Get("error") != "login_required" || values.Has("code") {
		t.Errorf("the client is answered with %v", values)
	}
	client, session := &storage.Client{ID: "web"}, &storage.Session{Identity: nurse, ACR: h.o.ACRValues[0], AuthTime: h.now()}
	request := &storage.AuthRequest{}
	session.Policy = client.Policy.Over(h.o.Policy).Demands()
	if h.serves(session, client, request, h.now()) {
		t.Error("a session of somebody without a personal number serves a client that knows people by nothing else")
	}
	client.Policy.PersonKeys = []string{"hsaId"}
	session.Policy = client.Policy.Over(h.o.Policy).Demands()
	if !h.serves(session, client, request, h.now()) {
		t.Error("a session does not serve a client that knows people by its key")
	}
}
