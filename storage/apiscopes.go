package storage

// APIScopes are the scopes of the management API that keys and clients can have, in order; package admin says what each is for.
var APIScopes = []string{
	"apikeys:read",
	"apikeys:write",
	"audit:read",
	"clients:read",
	"clients:write",
	"health:read",
	"keys:read",
	"keys:write",
	"log:write",
	"logins:person",
	"logins:read",
	"notices:read",
	"notices:write",
	"operators:read",
	"operators:write",
	"statistics:read",
}
