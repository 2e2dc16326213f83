package web

import (
	"net/http"

	"brygga/templates"
)

// route is one line of the list of all routes.
type route struct {
	pattern string
	handler http.HandlerFunc
}

// RouteEvents is the pattern of event streams, which last as long as somebody looks at a page.
const RouteEvents = "GET /login/{id}/events"

// routeStatus is asked once a second by pages that events do not reach.
const routeStatus = "GET /login/{id}/status"

// routes lists everything that the public may reach. A pattern with GET takes HEAD too; neither ever changes a login, but
// for the way back from the BankID app, which carries a nonce of its own.
func (s *Site) routes() []route {
	provider := s.provider
	return []route{
		{routeHealth, s.healthz},
		{routeAssets, s.asset},
		{routeIcon, plainFile("image/x-icon", templates.Icon())},
		{routeRobots, plainFile("text/plain; charset=utf-8", []byte(robots))},
		{routeBrand, s.brandFile},
		{routeClientBrand, s.brandFile},

		{"GET /login/{id}", s.page(s.show)},
		{RouteEvents, s.data(s.events)},
		{routeStatus, s.data(s.status)},
		{"GET /login/{id}/return", s.comeBack},
		{"POST /login/{id}/start", s.action(s.start)},
		{"POST /login/{id}/cancel", s.action(s.cancel)},
		{"POST /login/{id}/choose", s.action(s.choose)},
		{"POST /login/{id}/leave", s.action(s.leave)},
		{"POST /login/{id}/done", s.action(s.done)},
		{routeDialect, s.speak},
		// Who reloads the address of an action, or comes to it by the back button, sees the page.
		{"GET /login/{id}/start", s.toPage},
		{"GET /login/{id}/cancel", s.toPage},
		{"GET /login/{id}/choose", s.toPage},
		{"GET /login/{id}/leave", s.toPage},
		{"GET /login/{id}/done", s.toPage},

		{"/.well-known/openid-configuration", provider},
		{"/.well-known/oauth-authorization-server", provider},
		{"/.well-known/oauth-protected-resource/api/v1", provider},
		{"/.well-known/oauth-protected-resource/evidence", provider},
		{"/jwks.json", provider},
		{"/authorize", provider},
		{"/par", provider},
		{"/bc-authorize", provider},
		{"/token", provider},
		{"/userinfo", provider},
		{"/evidence/{txn}", provider},
		{"/introspect", provider},
		{"/revoke", provider},
		{"/logout", provider},
		{"/logout/confirm", provider},

		{"/api/bankid/v1/", s.bankIDAPI},

		{"/", s.notFound},
	}
}

func (s *Site) mux() *http.ServeMux {
	mux := http.NewServeMux()
	all := s.routes()
	if s.Preview {
		all = append(all, s.previewRoutes()...)
	}
	if s.StartURL != "" {
		all = append(all, route{"GET /{$}", func(w http.ResponseWriter, r *http.Request) { s.redirect(w, r, s.StartURL) }})
	}
	for _, r := range all {
		mux.HandleFunc(r.pattern, r.handler)
	}
	return mux
}

// provider hands the request to the OpenID provider, with its body bounded: the longest are signed client assertions.
func (s *Site) provider(w http.ResponseWriter, r *http.Request) {
	if r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(w, r.Body, maxProviderBody)
	}
	s.Provider.ServeHTTP(w, r)
}

// bankIDAPI hands the request to BankID's JSON:API, where there is one.
func (s *Site) bankIDAPI(w http.ResponseWriter, r *http.Request) {
	if s.BankIDAPI == nil {
		s.notFound(w, r)
		return
	}
	s.BankIDAPI.ServeHTTP(w, r)
}

// healthz says that the process answers. What it needs to work is readyz's matter, on the operators' listener.
func (s *Site) healthz(w http.ResponseWriter, _ *http.Request) { alive(w) }

// notFound is the answer to every path that does not exist.
func (s *Site) notFound(w http.ResponseWriter, r *http.Request) {
	s.notice(w, r, http.StatusNotFound, templates.NoticeNotFound)
}

// toPage leads to the page of the login, whether there is one or not.
func (s *Site) toPage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !wellFormedID(id) {
		s.notFound(w, r)
		return
	}
	s.redirect(w, r, basePath(id))
}
