package op

import (
	"errors"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/storage"
)

// ErrErased means that what proved a login or signature was erased.
var ErrErased = errors.New("op: the evidence was erased")

// evidenceScopes are the scopes with which a client may fetch evidence.
func evidenceScopes(client *storage.Client) []string {
	if client.FetchEvidence && !client.Public() {
		return []string{storage.ScopeEvidence}
	}
	return nil
}

// serveEvidence answers a client, as itself, with what proves a login or signature of its own. That of another client is one that is not there.
func (p *Provider) serveEvidence(w http.ResponseWriter, r *http.Request) {
	text, fault := bearerToken(w, r)
	switch {
	case fault != "":
		p.refuseToken(w, r, invalid(fault))
		return
	case text.IsZero():
		p.refuseToken(w, r, errNoToken)
		return
	}
	client, scopes, err := p.clientItself(r.Context(), text, p.o.Issuer+pathEvidence, evidenceScopes)
	noteClient(w, client)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		p.refuseToken(w, r, newError(errInvalidToken, "the access token is unknown, expired, revoked or for something else"))
	case err != nil:
		writeError(w, p.fault(r.Context(), "read access token", err))
	case !hasScope(scopes, storage.ScopeEvidence):
		p.refuseToken(w, r, newError(errInsufficientScope, "the client may no longer fetch evidence"))
	default:
		if refusal := p.spend(client, p.o.ClientIP(r)); refusal != nil {
			writeError(w, refusal)
			return
		}
		p.sendEvidence(w, r, client)
	}
}

func (p *Provider) sendEvidence(w http.ResponseWriter, r *http.Request, client *storage.Client) {
	if w, ok := w.(*response); ok {
		w.bearer = false // the token is good
	}
	file, err := p.o.EvidenceOf(r.Context(), client, r.PathValue("txn"), p.o.ClientIP(r))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		p.refuseToken(w, r, newError(oidc.InvalidRequest, "the client has no such evidence").at(http.StatusNotFound)) // and counts it: names are not to be tried out
	case errors.Is(err, ErrErased):
		writeError(w, newError(oidc.InvalidRequest, "the evidence was erased").at(http.StatusGone))
	case err != nil:
		writeError(w, p.fault(r.Context(), "read evidence", err))
	default:
		w.Header().Set("Content-Type", "application/jsonl")
		w.Write(file)
	}
}
