// Package op is the OpenID Provider: it speaks OAuth and OpenID Connect to clients, and nothing else.
//
// It owns discovery, the JWKS, the authorization, pushed request, token, userinfo, introspection, revocation and logout
// endpoints, what a client may ask for, the sessions of browsers, and the claims that a client gets. All are handlers of our own
// (docs/decisions/0004-own-op-server.md and 0015); of zitadel/oidc they use the types of errors and metadata. Everything a
// stranger could use twice is redeemed in one step of the store.
//
// Clients hear of the ends of their sessions from [Provider.Run]. Every address that a client has named is called through an
// [outbound.Caller], which does not let it reach our own network.
//
// It must not know HTML or BankID. It leads a browser to the login through [Pages], and is handed the finished login by
// [Provider.Answer] or [Provider.Refuse]. It leaves out one check, with intent: that the browser which asks for the answer
// is the one that began. Only the caller sees the binding cookie.
package op
