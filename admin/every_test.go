package admin_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"brygga/account"
	"brygga/admin"
	"brygga/storage"
)

// rightless are the methods that ask for no right, with the reason.
var rightless = map[string]string{
	"Authenticate":        "says who asks",
	"ClientKey":           "says who asks, and of no operation here",
	"EIDs":                "tells which eIDs the installation has, as the page of every login does",
	"RegisteringServices": "tells which eIDs the installation has, as the page of every login does",
	"Permit":              "is asked for the operation that it names",
}

// outcome calls the method for the actor with arguments that are zero, and returns the refusal, nil for none. What a method does with such arguments once
// it may is of no account: it fails, or panics.
func outcome(ctx context.Context, method reflect.Value, actor admin.Actor) (refused *admin.RefusedError) {
	defer func() { recover() }()
	args := []reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(actor)}
	for i := len(args); i < method.Type().NumIn(); i++ {
		args = append(args, reflect.Zero(method.Type().In(i)))
	}
	out := method.Call(args)
	err, _ := out[len(out)-1].Interface().(error)
	refused, _ = err.(*admin.RefusedError)
	return refused
}

// TestEveryMethodIsInTheMatrix: whatever can be asked of a Service is refused to those whom the matrix does not have for its operation, and to nobody else.
// A method that asks for no right, and an operation that no method is, show here.
func TestEveryMethodIsInTheMatrix(t *testing.T) {
	h := newHarness(t)
	asked := map[admin.Name]bool{}
	service := reflect.ValueOf(h.Service)
	for i := range service.NumMethod() {
		name, method := service.Type().Method(i).Name, service.Method(i)
		if rightless[name] != "" {
			continue
		}
		if method.Type().NumIn() < 2 || method.Type().In(1) != reflect.TypeFor[admin.Actor]() {
			t.Errorf("%s is not told who asks", name)
			continue
		}
		refused := outcome(t.Context(), method, admin.Actor{})
		if refused == nil || matrix[refused.Operation.Name] == "" {
			t.Errorf("%s does something for nobody, or is of no operation that the matrix has: %v", name, refused)
			continue
		}
		operation := refused.Operation
		asked[operation.Name] = true
		for letter, role := range map[string]storage.Role{"o": storage.RoleOwner, "a": storage.RoleAdmin, "h": storage.RoleHelpdesk, "u": storage.RoleAuditor} {
			for _, fresh := range []bool{false, true} {
				may := strings.Contains(matrix[operation.Name], letter) || fresh && strings.Contains(matrix[operation.Name], strings.ToUpper(letter))
				// Of an account, the step itself looks at the session anew, which no store has here.
				got := outcome(t.Context(), method, operator(role, fresh))
				if may != (got == nil) && !(may && got.Operation.Name == operation.Name && fmt.Sprint(got.Err) == fmt.Sprint(storage.ErrForbidden) && operation.StepUp) {
					t.Errorf("%s for %s, fresh %v: %v, and it may: %v", name, role, fresh, got, may)
				}
			}
		}
		for _, scope := range admin.Scopes() {
			if got := outcome(t.Context(), method, admin.Key("k", []string{scope}, nil, account.From{})); (got == nil) != (scope == operation.Scope) {
				t.Errorf("%s for a key with %s: %v, and it needs %s", name, scope, got, operation.Scope)
			}
		}
	}
	for _, o := range admin.Operations() {
		if !asked[o.Name] {
			t.Errorf("%s is an operation that no method is", o.Name)
		}
	}
}
