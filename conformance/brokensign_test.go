package conformance

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// faultsOfSignatures break requests for signatures, and what comes of them.
func faultsOfSignatures() []fault {
	signature := func(change func(xml string) string) func(*liar, *http.Request, *http.Response) {
		return idToken(func(claims map[string]any) {
			xml, _ := base64.StdEncoding.DecodeString(text(claims[claimSignature]))
			claims[claimSignature] = base64.StdEncoding.EncodeToString([]byte(change(string(xml))))
		})
	}
	replace := func(old, with string) func(string) string {
		return func(xml string) string { return strings.ReplaceAll(xml, old, with) }
	}
	return []fault{
		{name: "a login takes the place of a signature", before: request(func(values url.Values) {
			values.Set("scope", strings.NewReplacer(scopeSign, "", scopeApproval, "").Replace(values.Get("scope")))
			values.Del(paramSign)
		}), checks: []string{"sign/signature", "sign/no-session-from-it", "sign/request-missing", "sign/prompt-without-login", "sign/wrong-key", "sign/changed-text", "sign/unsigned", "sign/data-missing", "sign/unregistered"}},
		{name: "the signature is left out", after: idToken(func(claims map[string]any) { delete(claims, claimSignature) }), checks: []string{"sign/signature", "sign/both-scopes", "sign/signature-in-object"}},
		{name: "another text was signed", after: signature(replace(encoded(signText), encoded("Jag skänker bort min röda cykel."))), checks: []string{"sign/signature-of-what-was-asked", "sign/signature-pushed"}},
		{name: "another text was signed with a card", after: signature(replace(signText, "Jag skänker bort min röda cykel.")), checks: []string{"cards/signature"}},
		{name: "other data was signed with a card", after: signature(replace("."+encoded(signData)+".", "."+encoded("contract 18, version 3")+".")), checks: []string{"cards/signature"}},
		{name: "other data was signed", after: signature(replace(encoded(signData), encoded("contract 18"))), checks: []string{"sign/signature-of-what-was-asked"}},
		{name: "the signed data was changed afterwards", after: signature(replace("<funcId>Signing", "<funcId>Identification")), checks: []string{"sign/signature-of-what-was-asked"}},
		{name: "an approval hands the signature out", after: idToken(func(claims map[string]any) { claims[claimSignature] = "AAAA" }), checks: []string{"sign/approval"}},
		{name: "whoever is there may sign", before: request(func(values url.Values) { values.Del("claims") }), checks: []string{"sign/another-person", "sign/evidence"}},
		{name: "prompt is made up", before: request(func(values url.Values) { values.Set("prompt", signPrompt) }), checks: []string{"sign/prompt-without-consent", "sign/prompt-missing", "sign/prompt-none"}},
		{name: "one of two texts is taken", before: request(func(values url.Values) { values.Set(paramSign, values.Get(paramSign)) }), checks: []string{"sign/twice"}},
		{name: "the metadata says little of signatures", after: object("/.well-known/openid-configuration", func(members map[string]any) {
			members["scopes_supported"], members["claims_supported"] = []string{"openid", scopeSign}, []string{"sub"}
		}), checks: []string{"sign/discovery-scopes", "sign/discovery-claims"}},
	}
}
