package bankidapi

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"brygga/login"
	"brygga/storage"
	"brygga/visibletext"
)

// maxLine is the length of the longest text of a transaction.
const maxLine = 256

type object = map[string]any

// describe returns the OpenAPI 3.1 document of the endpoints.
func describe() object {
	paths := object{}
	for _, e := range endpoints {
		item, _ := paths[Path+e.path].(object)
		if item == nil {
			item = object{}
			paths[Path+e.path] = item
		}
		item[strings.ToLower(e.method)] = operation(&e)
	}
	return object{
		"openapi":    "3.1.0",
		"info":       object{"title": "BankID for back ends", "version": "1", "description": "Two dialects: JSON:API 1.1 by its media type, and the older contract as application/json."},
		"paths":      paths,
		"components": object{"schemas": schemas(), "securitySchemes": object{"key": object{"type": "apiKey", "in": "header", "name": "x-api-key"}}},
		"security":   []object{{"key": []string{}}},
	}
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

func operation(e *endpoint) object {
	parameters := []object{}
	for _, match := range placeholder.FindAllStringSubmatch(e.path, -1) {
		parameters = append(parameters, object{"name": match[1], "in": "path", "required": true, "schema": text()})
	}
	if e.made {
		parameters = append(parameters, object{
			"name": idempotencyHeader, "in": "header", "schema": object{"type": "string", "minLength": 1, "maxLength": maxIdempotencyKey},
			"description": "the same start with the same key makes no other order",
		})
	}
	described := object{
		"operationId": strings.ToLower(e.method) + strings.NewReplacer("/", "_", "{", "", "}", "").Replace(e.path),
		"summary":     e.summary, "x-scopes": append([]string{}, e.scopes...), "parameters": parameters, "responses": responses(e),
	}
	if e.body != "" {
		content := object{jsonAPIType: object{"schema": wrapped(e)}}
		if !e.isNewer() {
			content[jsonType] = object{"schema": flat(e)}
		}
		described["requestBody"] = object{"required": true, "content": content}
	}
	return described
}

// flat is the body of a request in the older contract, and wrapped that in JSON:API.
func flat(e *endpoint) object { return shape(e.required, attributesOf(e.attributes)) }

func wrapped(e *endpoint) object {
	members := object{"type": object{"const": e.body}, "attributes": flat(e), "meta": object{"type": "object"}}
	required := []string{"type", "attributes"}
	if slices.Equal(e.required, named) { // an order may be named by its ID, too
		members["id"], required = text(), []string{"type"}
	}
	return object{"type": "object", "properties": object{"data": shape(required, members)}, "required": []string{"data"}}
}

// attributesOf are those of requests.
func attributesOf(names []string) object {
	all := object{
		"personalNumber": described("the only person who may complete the order: twelve digits"),
		"endUserIp":      described("the person's address, as the back end sees it"),
		"callInitiator":  object{"type": []string{"string", "null"}, "enum": []any{"user", "RP", nil}, "description": "who called: the person, or the organisation"},
		"userVisibleData": described("what the app shows, as text: exactly this, or no order. Its base64 has at most " +
			strconv.Itoa(maxSignText) + " characters in a signature, and " + strconv.Itoa(maxAuthText) + " else"),
		"userVisibleDataFormat":  object{"type": []string{"string", "null"}, "enum": []any{visibletext.Plain, visibletext.Markdown, nil}},
		"userNonVisibleData":     described("what is signed along and not shown, in base64"),
		"orderRef":               described("the order"),
		"userVisibleTransaction": ref("Transaction"),
		"riskFlags": object{"type": []string{"array", "null"}, "items": object{"type": "string", "enum": login.RiskFlags()}, "uniqueItems": true,
			"description": "what makes it more of a risk: for BankID alone, the app does not show it"},
	}
	chosen := object{}
	for _, name := range names {
		chosen[name] = all[name]
	}
	return chosen
}

func described(what string) object {
	return object{"type": []string{"string", "null"}, "description": what}
}

func text() object { return object{"type": "string"} }

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func shape(required []string, properties object) object {
	return object{"type": "object", "properties": properties, "required": append([]string{}, required...), "additionalProperties": false}
}

// transaction is what a payment is: one by card has money, and what is no payment has none.
func transaction() object {
	one := func(kind string, money object, required ...string) object {
		return shape(append([]string{"transactionType", "recipient"}, required...), object{
			"transactionType": object{"const": kind}, "money": money,
			"recipient":   shape([]string{"name"}, object{"name": object{"type": "string", "minLength": 1, "maxLength": maxLine}}),
			"riskWarning": object{"type": []string{"string", "null"}, "maxLength": maxLine, "description": "has the app say that the risk is raised, and how"},
		})
	}
	money := shape([]string{"amount", "currency"}, object{
		"amount":   object{"type": "string", "pattern": "^[0-9]+(,[0-9]+)?$", "description": "digits, with a comma before the decimals"},
		"currency": object{"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217"},
	})
	return object{"oneOf": []object{one(storage.PaymentCard, money, "money"), one(storage.PaymentNone, object{"type": "null"})}}
}

// responses are all that an endpoint answers with.
func responses(e *endpoint) object {
	codes := object{}
	for _, status := range refusalsOf(e) {
		codes[strconv.Itoa(status)] = refusal(status)
	}
	switch {
	case e.answers == "":
		codes["200"] = object{"description": "in the older contract", "headers": answerHeaders(), "content": object{jsonType: object{"schema": shape(nil, object{})}}}
		codes["204"] = object{"description": "in JSON:API", "headers": answerHeaders()}
	case e.made:
		location := answerHeaders()
		location["Location"] = object{"schema": text()}
		if !e.isNewer() {
			codes["200"] = object{"description": "made, in the older contract", "headers": answerHeaders(), "content": object{jsonType: object{"schema": ref("Document")}}}
		}
		codes["201"] = object{"description": "made, in JSON:API", "headers": location, "content": object{jsonAPIType: object{"schema": ref("Document")}}}
	default:
		content := object{jsonType: object{"schema": ref("Document")}, jsonAPIType: object{"schema": ref("Document")}}
		if e.answers == typeCollect {
			content[jsonType] = object{"schema": object{"oneOf": []object{ref("Document"), ref("Complete")}}}
		}
		for _, kind := range e.pictures {
			content[kind] = object{"schema": text()}
		}
		codes["200"] = object{"description": "as it stands", "headers": answerHeaders(), "content": content}
	}
	return codes
}

// refusalsOf are the statuses of errors that an endpoint may answer with.
func refusalsOf(e *endpoint) []int {
	all := []int{400, 401, 403, 406, 429, 500}
	if e.body != "" {
		all = append(all, 409, 413, 415, 422)
	}
	if e.made {
		return append(all, 502, 503, 504)
	}
	return append(all, 404, 409)
}

func answerHeaders() object { return object{"Vary": object{"schema": text()}} }

func refusal(status int) object {
	headers := answerHeaders()
	headers["Retry-After"] = object{"schema": text(), "description": "seconds"}
	if status == 401 {
		headers["WWW-Authenticate"] = object{"schema": text()}
	}
	errors := object{"schema": ref("Errors")}
	return object{"description": "an error", "headers": headers, "content": object{jsonType: errors, jsonAPIType: errors}}
}

// schemas returns what bodies look like.
func schemas() object {
	links, meta := shape([]string{"self"}, object{"self": text()}), shape([]string{"pollInterval"}, object{"pollInterval": object{"type": "integer", "description": "seconds until it makes sense to ask again"}})
	jsonapi := shape([]string{"version"}, object{"version": object{"type": "string", "enum": []string{"1.0", "1.1"}}})
	attributes := object{
		"orderRef": text(), "autoStartToken": text(), "qrStartToken": text(), "qrStartSecret": object{"type": "string", "description": "with the scope orders:secret: never for a browser"},
		"qrData": object{"type": "string", "description": "the code of this second, without that scope"},
		"status": object{"type": "string", "enum": []string{statusPending, statusFailed, statusComplete}}, "hintCode": text(), "completionData": ref("CompletionData"),
	}
	return object{
		"Transaction": transaction(),
		"Document": shape([]string{"jsonapi", "data"}, object{
			"jsonapi": jsonapi, "links": links, "meta": meta, "data": shape([]string{"type", "id", "attributes"}, object{
				"type": object{"type": "string", "enum": []string{typeAuth, typeSign, typePayment, typeCollect, typeQR}}, "id": text(), "attributes": shape([]string{"orderRef"}, attributes), "links": links,
			}),
		}),
		"Complete": shape([]string{"jsonapi", "data"}, object{"jsonapi": jsonapi, "data": shape([]string{"orderRef", "status", "completionData"}, object{
			"orderRef": text(), "status": object{"const": statusComplete}, "completionData": ref("CompletionData"),
		})}),
		"CompletionData": shape([]string{"user"}, object{
			"user":   shape(nil, object{"personalNumber": text(), "name": text(), "givenName": text(), "surname": text()}),
			"device": shape([]string{"ipAddress"}, object{"ipAddress": text()}), "cert": shape([]string{"notBefore", "notAfter"}, object{"notBefore": text(), "notAfter": text()}),
			"bankIdIssueDate": text(), "stepUp": shape([]string{"mrtd"}, object{"mrtd": object{"type": "boolean"}}), "risk": text(), "signature": text(), "ocspResponse": text(),
		}),
		"Errors": shape([]string{"jsonapi", "errors"}, object{"jsonapi": jsonapi, "errors": object{"type": "array", "minItems": 1, "items": shape([]string{"status", "code", "title"}, object{
			"id": object{"type": "string", "description": "what our log calls the request"}, "status": text(), "code": text(), "title": text(), "detail": text(),
			"source": shape(nil, object{"pointer": text(), "parameter": text(), "header": text()}),
		})}}),
	}
}
