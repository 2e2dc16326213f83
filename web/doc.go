// Package web is everything HTTP that is not OpenID Connect protocol: the middleware that every request passes, the hosted
// login page with its events and actions, and the operators' listener.
//
// It owns cookies, headers, languages and the way from a login's state to a view of package templates. It must not know
// zitadel/oidc, BankID's wire or which store there is: the provider comes as an http.Handler, and the way back into it as
// two functions. A handler reads the request, calls one method of the login engine and renders one view.
//
// Every login is bound to the browser that brought its auth request, by a cookie of 256 random bits. No page, event or
// action of a login is served without it, and without it nobody learns whether the login exists.
package web
