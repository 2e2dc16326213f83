package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"brygga/storage"
)

// oneClient is a store with one client.
type oneClient struct {
	storage.Store
	client storage.Client
}

func (o *oneClient) Client(_ context.Context, id string) (*storage.Client, error) {
	if id != o.client.ID {
		return nil, storage.ErrNotFound
	}
	return &o.client, nil
}

// TestTrials: the client by which an app is tried asks what the app asks, and lets nobody in by what is the app's.
func TestTrials(t *testing.T) {
	hash, theirs := storage.ClientSecret{Hash: [32]byte{1}, Created: time.Unix(1, 0)}, storage.ClientSecret{Hash: [32]byte{2}}
	of := &oneClient{client: storage.Client{
		ID: "app", Name: "Appen", AuthMethod: storage.AuthMethodPrivateKey, JWKSURI: "https://app.example.se/jwks", Secrets: []storage.ClientSecret{theirs}, RedirectURIs: []string{"https://app.example.se/cb"},
		Scopes: []string{storage.ScopeProfile, storage.ScopeOfflineAccess}, SessionGroup: "intranet", Policy: storage.Policy{MinimumAge: 18}, CIBA: storage.CIBAPoll, PersonalNumber: true, Sector: "app.example.se", RequirePAR: true,
		IDTokenEncryption: storage.Encryption{Alg: "RSA-OAEP"}, BackchannelLogoutURI: "https://app.example.se/bc", Origins: []string{"https://app.example.se"},
	}}
	store := storage.Enabled(storage.WithTrials(of, "https://admin.example.se/admin/back", hash))
	c, err := store.Client(t.Context(), storage.TrialPrefix+"app")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.RedirectURIs) != 1 || c.RedirectURIs[0] != "https://admin.example.se/admin/back" || len(c.Secrets) != 1 || c.Secrets[0] != hash || c.JWKSURI != "" || len(c.Origins) != 0 || !c.RequirePKCE {
		t.Errorf("others get in: %+v", c)
	}
	if c.SessionGroup != "" || c.BackchannelLogoutURI != "" || len(c.Scopes) != 1 || c.IDTokenEncryption.Alg != "" || c.RequirePAR || c.CIBA != "" {
		t.Errorf("it takes part in more than a login: %+v", c)
	}
	if c.Name != "Appen" || c.Policy.MinimumAge != 18 || !c.PersonalNumber || c.SectorID() != of.client.SectorID() {
		t.Errorf("it asks for something else: %+v", c)
	}
	if of.client.ID != "app" || len(of.client.Scopes) != 2 {
		t.Errorf("the app was changed: %+v", of.client)
	}
	for _, id := range []string{storage.TrialPrefix, storage.TrialPrefix + "other", storage.TrialPrefix + storage.TrialPrefix + "app"} {
		if _, err := store.Client(t.Context(), id); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	of.client.Disabled = true
	if _, err := store.Client(t.Context(), storage.TrialPrefix+"app"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("of one that is disabled: %v", err)
	}
}
