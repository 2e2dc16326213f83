package api

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"brygga/account"
	"brygga/admin"
	"brygga/audit/tree"
	"brygga/clients"
	"brygga/logins"
	"brygga/notice"
	"brygga/storage"
)

type object = map[string]any

// describe returns the OpenAPI 3.1 document of the endpoints.
func describe() object {
	paths := object{}
	for path, methods := range byPath() {
		item := object{}
		for method, e := range methods {
			item[strings.ToLower(method)] = operation(&e)
		}
		paths[path] = item
	}
	return object{
		"openapi": "3.1.0",
		"info":    object{"title": "Brygga management API", "version": "1"},
		"paths":   paths,
		"components": object{
			"schemas":   schemas(),
			"responses": refusalResponses(),
			"headers":   headers(),
			"securitySchemes": object{
				"bearer": object{"type": "http", "scheme": "bearer"},
				"key":    object{"type": "apiKey", "in": "header", "name": "x-api-key"},
			},
		},
		"security": []object{{"bearer": []string{}}, {"key": []string{}}},
	}
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

func operation(e *endpoint) object {
	o := admin.OperationOf(e.operation)
	described := object{
		"operationId": strings.ToLower(e.method) + strings.NewReplacer("/", "_", "{", "", "}", "", "-", "_").Replace(e.path),
		"summary":     e.summary, "x-operation": string(o.Name), "x-scope": o.Scope, "parameters": parametersOf(e), "responses": responses(e),
	}
	if e.body != "" {
		described["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": ref(e.body)}}}
	}
	return described
}

func parametersOf(e *endpoint) []object {
	all := []object{}
	for _, match := range placeholder.FindAllStringSubmatch(e.path, -1) {
		all = append(all, object{"name": match[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, name := range e.query {
		all = append(all, object{"name": name, "in": "query", "schema": querySchemas[name]})
	}
	if e.bound {
		all = append(all, object{"name": "If-Match", "in": "header", "schema": object{"type": "string"}, "description": "the ETag of what was read, or *"},
			object{"name": "If-None-Match", "in": "header", "schema": object{"type": "string", "const": "*"}})
	}
	return all
}

var querySchemas = map[string]object{
	dryRun: {"type": "boolean"}, prune: {"type": "boolean"}, search: {"type": "string"}, disabled: {"type": "boolean"}, group: {"type": "string"},
	profile: {"type": "string"}, sorted: {"type": "string", "enum": admin.Sorts(), "default": admin.SortByID}, limited: {"type": "integer", "minimum": 1, "maximum": maxLimit, "default": defaultLimit}, cursor: {"type": "string"},
	fromTime: {"type": "string", "format": "date-time"}, toTime: {"type": "string", "format": "date-time"},
	clientID: {"type": "string"}, outcome: {"type": "string", "enum": logins.Outcomes()}, cause: {"type": "string", "description": "a hint code of BankID or a reason, see docs/reasons.md"},
	device: {"type": "string", "enum": devices}, browser: {"type": "string"}, ofEID: {"type": "string", "enum": logins.EIDs()}, network: {"type": "string", "examples": []string{"192.0.2.7", "192.0.2.0/24"}},
	person: {"type": "string", "description": "a pseudonym, see find-person"}, subject: {"type": "string"}, language: {"type": "string", "enum": languages, "default": "en"},
	hours: {"type": "integer", "minimum": 1, "maximum": 7 * 24, "default": 24}, ofMonth: {"type": "string", "examples": []string{"2026-11"}},
	format: {"type": "string", "examples": []string{"json", "csv", "cef"}}, kind: {"type": "string", "description": "the number of the event, or how it begins", "examples": []string{"ADM_"}},
	transaction: {"type": "string", "description": "the claim txn of the ID token"}, orderKind: {"type": "string", "enum": storage.Kinds()},
	byReference: {"type": "string", "examples": []string{"7QX4-2MKD"}}, byActor: {"type": "string"}, byObject: {"type": "string"}, backwards: {"type": "boolean", "description": "the last first"},
}

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func text(more ...string) object {
	o := object{"type": "string"}
	if len(more) > 0 {
		o["format"] = more[0]
	}
	return o
}

func list(of object) object { return object{"type": "array", "items": of} }

func shape(required []string, properties object) object {
	return object{"type": "object", "properties": properties, "required": append([]string{}, required...), "additionalProperties": false}
}

// schemas returns what bodies look like.
func schemas() object {
	counts := ref("Counts")
	hourly := list(shape([]string{"begin", "counts"}, object{"begin": text("date-time"), "counts": counts}))
	moment, number, flag := text("date-time"), object{"type": "integer"}, object{"type": "boolean"}
	items := func(of object) object { return shape([]string{"items"}, object{"items": list(of)}) }
	page := func(of object) object { return shape([]string{"items"}, object{"items": list(of), "next": text()}) }
	role := object{"type": "string", "enum": []storage.Role{storage.RoleOwner, storage.RoleAdmin, storage.RoleHelpdesk, storage.RoleAuditor}}
	language := object{"type": "string", "enum": account.Languages}
	secrets := list(shape([]string{"created"}, object{"created": moment, "expires": moment}))
	changes := list(shape([]string{"setting", "before", "after"}, object{"setting": text(), "before": text(), "after": text()}))
	return object{
		"Client": clientSchema(secrets), "ClientPage": page(ref("Client")),
		"ClientChange": shape([]string{"id", "action", "changes"}, object{
			"id": text(), "action": object{"type": "string", "enum": []string{actionCreated, actionUpdated, actionUnchanged, actionRemoved}}, "client": ref("Client"), "client_secret": text(), "webhook_secret": text(), "published": list(text()),
			"changes": changes,
		}),
		"ClientSecrets": items(shape([]string{"created"}, object{
			"created": moment, "expires": moment, "actor": text(), "actor_name": text(),
			"last_used": object{"type": "string", "format": "date-time", "description": "to the second where the server that answers has seen it, else to the hour"},
		})),
		"Holdings":      shape([]string{"grants", "offline", "pushed"}, object{"grants": number, "offline": number, "pushed": number}),
		"ClientHistory": page(shape([]string{"time", "event", "actor", "changes"}, object{"time": moment, "event": text(), "actor": text(), "actor_name": text(), "changes": changes})),
		"Check":         shape([]string{"id", "kept", "rules"}, object{"id": text(), "kept": flag, "rules": list(schemaOf[clients.Rule]())}),
		"Reason":        shape(nil, object{"reason": text()}),
		"Keep":          shape(nil, object{"keep": object{"type": "string", "default": "24h", "examples": []string{"12h", "30d"}}}),
		"Configuration": shape(nil, object{"clients": list(ref("Client")), "remove": list(text())}),
		"Applied":       shape([]string{"dry_run", "changes"}, object{"dry_run": flag, "changes": list(ref("ClientChange"))}),
		"Keys": items(shape([]string{"id", "algorithm", "use", "state"}, object{
			"id": text(), "algorithm": text(), "use": text(), "state": text(), "published": moment, "activated": moment, "retired": moment, "removed": moment,
		})),
		"Registration": shape([]string{"name", "image"}, object{"name": text(), "image": object{"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}, "certificate": text()}),
		"Registered":   schemaOf[admin.Registered](),
		"Rotation":     shape(nil, object{"now": flag}),
		"Event":        schemaOf[storage.AuditEvent](), "Login": schemaOf[logins.Login](), "Story": schemaOf[logins.Story](),
		"EventPage": page(ref("Event")), "Events": items(ref("Event")), "LoginPage": page(ref("Login")), "Stories": items(ref("Story")),
		"Evidence": schemaOf[admin.EvidenceView](), "EvidencePage": page(ref("Evidence")),
		"Expiries":       items(shape([]string{"kind", "name", "ends"}, object{"kind": text(), "name": text(), "ends": text("date-time")})),
		"Settings":       items(shape([]string{"key", "value", "source", "live"}, object{"key": text(), "value": text(), "source": text(), "live": flag})),
		"Banner":         shape(nil, object{"sv": text(), "en": text(), "from": text("date-time"), "to": text("date-time")}),
		"LogLevel":       shape([]string{"level", "configured"}, object{"server": text(), "level": text(), "configured": text(), "until": moment}),
		"NewLogLevel":    shape(nil, object{"level": object{"type": "string", "enum": append([]string{""}, admin.Levels...)}, "for": text()}),
		"AlarmRules":     alarmRules(),
		"Alarms":         shape([]string{"rules", "standing"}, object{"rules": ref("AlarmRules"), "standing": list(shape([]string{"kind", "name", "detail", "since"}, object{"kind": text(), "name": text(), "detail": text(), "since": moment}))}),
		"AlarmsSent":     shape([]string{"sent"}, object{"sent": number}),
		"PersonalNumber": shape([]string{"personal_number"}, object{"personal_number": object{"type": "string", "writeOnly": true, "description": "twelve digits; or an HSA-ID or UPN, for who has no personal number"}}),
		"Person":         shape([]string{"person"}, object{"person": text()}),
		"Figures": shape([]string{"hours", "week_before", "sum", "today", "clients", "behind"}, object{
			"hours": hourly, "week_before": hourly, "sum": counts, "today": counts, "behind": number,
			"clients": list(shape([]string{"client_id", "counts"}, object{"client_id": text(), "counts": counts})),
		}),
		"Statistics": shape([]string{"month", "from", "to", "clients"}, object{
			"month": text(), "from": moment, "to": moment, "clients": list(shape([]string{"client_id", "name", "counts"}, object{"client_id": text(), "name": text(), "counts": counts})),
		}),
		"Checkpoint": shape([]string{"public_key", "checkpoint", "events"}, object{"public_key": text(), "checkpoint": text(), "events": number}),
		"Proof":      schemaOf[tree.Proof](),
		"Counts":     countsSchema(),
		"LogCheck":   schemaOf[wireResult](),
		"Sinks":      items(schemaOf[admin.Sink]()),
		"Operator": shape([]string{"id", "revision", "user_name", "email_confirmed", "language", "state", "roles", "all_clients", "login_by", "sessions", "created"}, object{
			"id": text(), "revision": number, "user_name": text(), "email": text(), "email_confirmed": flag, "name": text(), "language": language,
			"state": object{"type": "string", "enum": []string{"invited", "active", "disabled"}}, "roles": list(role), "all_clients": flag, "groups": list(text()),
			"login_by": list(text()), "sessions": number, "last_login": moment, "created": moment,
		}),
		"Operators": items(ref("Operator")),
		"NewOperator": shape([]string{"user_name", "email", "roles"}, object{
			"user_name": text(), "email": text("email"), "name": text(), "language": language, "roles": list(role), "groups": list(text()), "all_clients": flag,
		}),
		"OperatorPatch": shape(nil, object{
			"name": text(), "language": language, "roles": list(role), "groups": list(text()), "all_clients": flag, "disabled": flag,
			"personal_number": object{"type": "string", "writeOnly": true, "description": "that the operator may log in with by BankID; empty for none"},
		}),
		"Sessions": items(shape([]string{"id", "created", "used", "methods"}, object{
			"id": text(), "created": moment, "used": moment, "address": text(), "agent": text(), "methods": list(text()),
		})),
		"APIKey": shape([]string{"id", "name", "scopes"}, object{
			"id": text(), "name": text(), "client": text(), "scopes": list(text()), "groups": list(text()), "networks": list(text()), "secrets": secrets, "created": moment, "creator": text(),
			"expires": moment, "used": moment, "address": text(),
		}),
		"APIKeys":    items(ref("APIKey")),
		"APIKeyMade": shape([]string{"api_key", "key"}, object{"api_key": ref("APIKey"), "key": text()}),
		"NewAPIKey": shape([]string{"name", "scopes"}, object{
			"name": text(), "client": object{"type": "string", "description": "as which it makes orders over BankID's JSON:API; none for a key of this API"},
			"scopes": list(object{"type": "string", "enum": slices.Concat(admin.Scopes(), storage.OrderScopes)}), "groups": list(text()), "networks": list(text()), "expires": moment,
		}),
		"Health":  shape([]string{"ready"}, object{"ready": flag, "problem": text(), "details": object{"type": "object", "additionalProperties": text()}}),
		"Problem": problemSchema(),
	}
}

func countsSchema() object {
	number, named := object{"type": "integer"}, object{"type": "object", "additionalProperties": object{"type": "integer"}}
	properties := object{"causes": named, "devices": named, "median_seconds": object{"type": "number"}}
	for _, name := range []string{"logins", "orders", "completed", "signatures", "payments", "failed", "ended", "refused", "identified", "sessions", "alerts"} {
		properties[name] = number
	}
	counts := shape(slices.Sorted(maps.Keys(properties)), properties)
	counts["description"] = "see docs/api.md"
	return counts
}

func alarmRules() object {
	number := object{"type": "integer", "minimum": 0}
	return shape(nil, object{
		"recipients": list(shape([]string{"email", "language"}, object{
			"email": text("email"), "language": object{"type": "string", "enum": notice.Languages}, "kinds": list(object{"type": "string", "enum": notice.Kinds()}),
		})),
		"days": number, "share": number, "free_mib": number,
	})
}

func problemSchema() object {
	return shape([]string{"type", "title", "status"}, object{
		"type": text(), "title": text(), "status": object{"type": "integer"}, "detail": text(),
		"errors": list(shape([]string{"detail"}, object{"pointer": text(), "parameter": text(), "detail": text(), "remedy": text()})),
	})
}

// clientSchema is made from the table of settings, as commands and configuration file are.
func clientSchema(secrets object) object {
	properties := object{
		"policy": object{"type": "object", "description": "what its logins must meet"},
		"id":     object{"type": "string"}, "revision": object{"type": "integer", "readOnly": true}, "static": object{"type": "boolean", "readOnly": true},
		"created": object{"type": "string", "format": "date-time", "readOnly": true}, "updated": object{"type": "string", "format": "date-time", "readOnly": true},
		"secrets": object{"type": "array", "items": secrets["items"], "readOnly": true}, "webhook_secrets": object{"type": "array", "items": secrets["items"], "readOnly": true},
		"brand": object{
			"type": "object", "description": "how the login page looks for its people, but in lists; a PUT without it leaves it as it is",
			"properties": object{
				"logo": object{"type": "string", "format": "byte", "description": "PNG, JPEG, GIF or SVG, written anew as PNG or SVG"}, "logo_type": object{"type": "string", "description": "what the logo was written as"},
				"accent": text(), "accent_dark": text(), "support_url": text(), "accessibility_url": text(),
			},
		},
	}
	for _, s := range clients.Settings() {
		schema := map[clients.Kind]object{
			clients.Text: text(), clients.Switch: {"type": "boolean"}, clients.List: list(text()), clients.Words: list(text()),
			clients.Texts: {"type": "object", "additionalProperties": text()},
		}[s.Kind()]
		if s.Key == keySetting {
			schema = object{"type": []string{"object", "string"}}
		}
		if s.Values != nil && s.Kind() == clients.Text {
			schema["enum"] = s.Values
		}
		schema["description"] = strings.ReplaceAll(s.Usage, "`", "")
		properties[s.Key] = schema
	}
	return object{"type": "object", "properties": properties, "additionalProperties": false}
}
