package op

import (
	"net/url"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/storage"
)

// The parameters that the Swedish request parameter extensions add, which every client may send. The original client of a proxy
// has some too; they are ignored, as nothing here would show or check them, and discovery does not announce them.
const (
	paramUserMessage   = "https://id.oidc.se/param/userMessage"
	paramAuthnProvider = "https://id.oidc.se/param/authnProvider"
)

// checkSwedish holds the rules of the Swedish OpenID Connect Profile that are not OIDC Core's too, and takes over what its
// parameter extensions ask for. The profile has no code for a provider that is not ours; who asks for one must not be served
// by another.
func checkSwedish(p *Provider, client *storage.Client, values url.Values, request *storage.AuthRequest) *oauthError {
	if client.Swedish() && request.State == "" {
		return invalid("state is missing")
	}
	if provider := values.Get(paramAuthnProvider); provider != "" {
		if request.Method, request.Issuer = p.byProvider(client, provider); request.Method == "" {
			return invalid("authnProvider is not a provider that can be had here").with(provider)
		}
	}
	message, refusal := parseUserMessage(values.Get(paramUserMessage))
	switch {
	case refusal != nil || message == nil:
		return refusal
	case p.o.MessageFits == nil || !p.o.MessageFits(client, message):
		return invalid("userMessage does not fit below the text that says who asks: it is too long, has markup that the text must not get, or repeats it")
	case !prompts(request, oidc.PromptNone):
		request.UserMessage = message
	}
	return nil
}
