package storage

import (
	"context"
	"slices"
	"strings"

	"brygga/secret"
)

// TrialPrefix begins the ID of a client that is there to try another: TrialPrefix and the ID of that one.
const TrialPrefix = "brygga-test."

// WithTrials returns store with a client beside each, under its ID with TrialPrefix before it, by which an operator tries a login to that app. It
// asks of people what the app's own logins ask of them, and gets what the app would get. But it answers to one redirect URI and one secret alone,
// which are the operators', and takes part in no session. Nothing is stored of it; when the app goes, or is disabled, so is it.
func WithTrials(store Store, redirectURI string, secret ClientSecret) Store {
	return trials{store, redirectURI, secret}
}

type trials struct {
	Store
	redirectURI string
	secret      ClientSecret
}

// Client returns the client with that ID.
func (t trials) Client(ctx context.Context, id string) (*Client, error) {
	of, is := strings.CutPrefix(id, TrialPrefix)
	if !is {
		return t.Store.Client(ctx, id)
	}
	c, err := t.Store.Client(ctx, of)
	if err != nil || strings.HasPrefix(of, TrialPrefix) {
		return nil, ErrNotFound
	}
	trial := t.of(c)
	return &trial, nil
}

// of returns what there is beside a client: how it authenticates, where it is answered, and what only its own keys could read, are replaced.
func (t trials) of(c *Client) Client {
	trial := *c
	trial.ID, trial.Static = TrialPrefix+c.ID, true
	trial.AuthMethod, trial.AuthAlg, trial.Secrets, trial.JWKS, trial.JWKSURI = AuthMethodSecret, "", []ClientSecret{t.secret}, nil, ""
	trial.RedirectURIs, trial.PostLogoutRedirectURIs, trial.Native, trial.Origins, trial.BackchannelLogoutURI = []string{t.redirectURI}, nil, false, nil, ""
	trial.RequirePKCE, trial.RequirePAR, trial.RequireRequestObject, trial.UnsignedRequestObjects, trial.RequestObjectAlg = true, false, false, false, ""
	trial.IDTokenEncryption, trial.UserinfoEncryption, trial.UserinfoAlg, trial.RequestObjectEncryptionAlg = Encryption{}, Encryption{}, "", ""
	trial.Scopes = slices.DeleteFunc(slices.Clone(c.Scopes), func(scope string) bool { return scope == ScopeOfflineAccess })
	trial.CIBA, trial.NotificationEndpoint = "", ""
	trial.WebhookURI, trial.WebhookKeys, trial.WebhookSecret = "", nil, secret.String{}
	trial.SessionGroup, trial.Resources, trial.AccessTokenFormat, trial.RefreshRotation = "", nil, "", ""
	return trial
}
