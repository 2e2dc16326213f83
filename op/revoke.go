package op

import (
	"context"
	"errors"
	"net/http"

	"brygga/storage"
)

// serveRevoke is the revocation endpoint (RFC 7009 §2). It ends the whole family of the token, an access token's too: with one
// of them in the wrong hands the others may be. A token that does not stand, or is another client's, gets the same answer as
// one that was revoked: who asks learns nothing of it.
func (p *Provider) serveRevoke(w http.ResponseWriter, r *http.Request) {
	client, refusal := p.authenticate(r)
	noteClient(w, client)
	if refusal == nil && r.PostForm.Get("token") == "" {
		refusal = invalid("token is missing")
	}
	if refusal == nil {
		refusal = p.revoke(r.Context(), client, r.PostForm.Get("token"), r.PostForm.Get("token_type_hint"))
	}
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (p *Provider) revoke(ctx context.Context, client *storage.Client, token, hint string) *oauthError {
	t, err := p.findToken(ctx, token, hint)
	switch {
	case errors.Is(err, storage.ErrNotFound) || err == nil && t.grant.ClientID != client.ID:
		return nil
	case err != nil:
		return p.fault(ctx, "read token", err)
	}
	if err := p.o.Store.RevokeGrant(ctx, t.grant.ID, p.now()); err != nil {
		return p.fault(ctx, "revoke grant", err)
	}
	return nil
}
