package op

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

const errorsPage = "../docs/errors.md"

// remedies say to the developer of an app what each error code asks of them, in the order of the page.
var remedies = []struct{ code, remedy string }{
	{"invalid_request", "The request is not as it should be: change what the description names. About a redirect URI: register exactly the address that the app sends, letter by letter."},
	{"invalid_client", "The client has not proven itself, or does not exist. Compare ID, secret and method with `brygga client show`; the log of the server has the cause, and `brygga dev` prints it. A stranger learns no more than this."},
	{"invalid_grant", "The code or the refresh token is used up, too old, or another request's. Begin a new login. Redeem a code once, with the redirect URI and the code verifier of its own request."},
	{"unauthorized_client", "Register the client for what it wants: `--scope offline_access`, `--ciba poll`."},
	{"unsupported_grant_type", "Use a grant type that discovery lists."},
	{"unsupported_response_type", "Use the code flow."},
	{"invalid_scope", "Ask for `openid` and for what discovery lists; in a refresh for no more than was granted."},
	{"invalid_target", "Register the API with `--resource`, and name it as it is registered."},
	{"invalid_token", "Get a new access token: by refresh, or by a login."},
	{"insufficient_scope", "Ask for `openid` at the login."},
	{"login_required", "Send the person through a login without `prompt=none`. In a hidden frame this answer is the rule: apps share a session only within a `session_group`."},
	{"interaction_required", "Ask without `prompt=none`."},
	{"unmet_authentication_requirements", "Ask for an `acr` that discovery lists and that the client may have (`--acr-value`, `--login-detail mrtd`), or not as essential; and for an eID that it has (`--method`), where `methods` offers that."},
	{"invalid_request_object", "Sign the object by a registered key, for this issuer, with the parameters that the description names."},
	{"invalid_request_uri", "Push the request anew: a reference is for one browser, and for one minute."},
	{"request_uri_not_supported", "Push the request to `/par`."},
	{"unknown_user_id", "Send a personal number or a coordination number as `login_hint`, or in a `login_hint_token`. It is never said of a number that nobody has: see [CIBA](ciba.md)."},
	{"expired_login_hint_token", "Make the `login_hint_token` anew for each request."},
	{"invalid_binding_message", "Send a short plain text without formatting."},
	{"authorization_pending", "The person has not decided yet: ask again after `interval` seconds."},
	{"slow_down", "Wait for five seconds more between two requests than so far, and ask again."},
	{"expired_token", "The time of `auth_req_id` is over: begin anew if the person still wants to."},
	{"access_denied", "The person has declined, has no app that can answer, is busy with another order, or was asked too often. Which, no app is told; the operator's audit log has it."},
	{"registration_not_supported", "Let the operator register the client."},
	{"temporarily_unavailable", "Wait as long as `Retry-After` says."},
	{"server_error", "The fault is ours. The operator's log has it, by the reference that the page shows."},
}

// codeNames are the codes that stand in the source by a name.
var codeNames = map[string]string{
	"oidc.InvalidRequest": string(oidc.InvalidRequest), "oidc.InvalidClient": string(oidc.InvalidClient), "oidc.InvalidGrant": string(oidc.InvalidGrant),
	"oidc.InvalidScope": string(oidc.InvalidScope), "oidc.InvalidTarget": string(oidc.InvalidTarget), "oidc.UnauthorizedClient": string(oidc.UnauthorizedClient),
	"oidc.UnsupportedGrantType": string(oidc.UnsupportedGrantType), "oidc.LoginRequired": string(oidc.LoginRequired), "oidc.ServerError": string(oidc.ServerError),
	"oidc.AccessDenied": string(oidc.AccessDenied), "oidc.InteractionRequired": string(oidc.InteractionRequired), "errInvalidToken": errInvalidToken, "errInsufficientScope": errInsufficientScope, "errTooMany": errTooMany,
}

// TestEveryErrorIsDocumented: the page names every code and description that the source has, and no other.
func TestEveryErrorIsDocumented(t *testing.T) {
	page := errorPage(t, sourceErrors(t))
	if *update {
		if err := os.WriteFile(errorsPage, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(errorsPage)
	if err != nil || !bytes.Equal(have, page) {
		t.Errorf("%s is not what the source says (%v): go test ./op -run TestEveryErrorIsDocumented -update", errorsPage, err)
	}
}

func errorPage(t *testing.T, all map[string]map[string]bool) []byte {
	var b bytes.Buffer
	b.WriteString("# Errors\n\nEvery `error` and `error_description` that an app can get, made from the source. \"…\" stands for the name of a parameter, or the like. Descriptions never hold what the\n" +
		"request brought; the server's log has that, cut and without secrets, in a line `request refused` with the reference that pages show.\n" +
		"Why a login came to nothing is told by `access_denied` and a description of its own: see [reasons](reasons.md).\n")
	for _, r := range remedies {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", r.code, r.remedy)
		if len(all[r.code]) == 0 {
			t.Errorf("nothing in the source answers with %s", r.code)
		}
		for _, description := range slices.Sorted(maps.Keys(all[r.code])) {
			fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(description, "_ ~", "\\_ ~"))
		}
		delete(all, r.code)
	}
	if len(all) > 0 {
		t.Errorf("codes without a remedy: %v", slices.Sorted(maps.Keys(all)))
	}
	return b.Bytes()
}

// sourceErrors returns the descriptions of each code in the package's source.
func sourceErrors(t *testing.T) map[string]map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]bool{}
	add := func(code, description string) {
		if description != "" && description != "…" {
			if all[code] == nil {
				all[code] = map[string]bool{}
			}
			all[code][description] = true
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				code, at := errorCall(n)
				if at >= 0 && at < len(n.Args) {
					add(code, literalText(n.Args[at]))
				}
			case *ast.FuncDecl:
				if n.Name.Name == "readForm" || n.Name.Name == "bearerToken" {
					ast.Inspect(n, func(n ast.Node) bool {
						if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
							add(string(oidc.InvalidRequest), literalText(r.Results[len(r.Results)-1]))
						}
						return true
					})
				}
			}
			return true
		})
	}
	add(errTooMany, tooMany(nil).description)
	add(string(oidc.ServerError), internalError)
	return all
}

// errorCall returns the code that a call makes an error of, and which argument describes it; -1 for another call.
func errorCall(call *ast.CallExpr) (code string, description int) {
	name, ok := call.Fun.(*ast.Ident)
	if !ok {
		return "", -1
	}
	switch name.Name {
	case "invalid":
		return string(oidc.InvalidRequest), 0
	case "mistake":
		return string(oidc.InvalidClient), 0
	case "badObject":
		return "invalid_request_object", 0
	case "errUnknownUser":
		return "unknown_user_id", 0
	case "errBindingMessage":
		return "invalid_binding_message", 0
	case "newError":
		switch c := call.Args[0].(type) {
		case *ast.BasicLit:
			text, _ := strconv.Unquote(c.Value)
			return text, 1
		case *ast.Ident:
			return codeNames[c.Name], 1
		case *ast.SelectorExpr:
			return codeNames["oidc."+c.Sel.Name], 1
		}
	}
	return "", -1
}

// literalText returns the text of an expression, with … for what it fills in.
func literalText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.BinaryExpr:
		return literalText(e.X) + literalText(e.Y)
	}
	return "…"
}
