package api

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"brygga/account"
	"brygga/admin"
	"brygga/secret"
	"brygga/storage"
)

func listOperators(c *call) (*answer, error) {
	all, err := c.Admin.Operators(c, c.actor)
	if err != nil {
		return nil, err
	}
	views := make([]admin.OperatorView, len(all))
	for i, o := range all {
		views[i] = admin.ViewOperator(o)
	}
	return ok(map[string]any{"items": views})
}

func operatorAnswer(o *storage.Operator, status int) *answer {
	return &answer{status: status, body: admin.ViewOperator(o), etag: tagOf(o.Revision)}
}

func showOperator(c *call) (*answer, error) {
	found, err := c.Admin.Operator(c, c.actor, c.id())
	if err != nil {
		return nil, err
	}
	return operatorAnswer(found, http.StatusOK), nil
}

// operatorMembers are the members of an operator that can be sent.
type operatorMembers struct {
	admin.OperatorChange
	userName, email string
}

func (c *call) operatorMembers(names ...string) (m operatorMembers, err error) {
	var number *string
	all := map[string]any{
		"user_name": &m.userName, "email": &m.email, "name": &m.Name, "language": &m.Language, "personal_number": &number, "roles": &m.Roles, "groups": &m.Groups,
		"all_clients": &m.AllClients, "disabled": &m.Disabled,
	}
	maps.DeleteFunc(all, func(name string, _ any) bool { return !slices.Contains(names, name) })
	err = c.members(all)
	if number != nil {
		hidden := secret.New(*number)
		m.PersonalNumber = &hidden
	}
	return m, err
}

func orEmpty(at *string) string {
	if at == nil {
		return ""
	}
	return *at
}

func invite(c *call) (*answer, error) {
	m, err := c.operatorMembers("user_name", "email", "name", "language", "roles", "groups", "all_clients")
	if err != nil {
		return nil, err
	}
	made, err := c.Admin.Invite(c, c.actor, account.Invitation{
		UserName: secret.New(m.userName), Email: secret.New(m.email), Name: secret.New(orEmpty(m.Name)), Language: orEmpty(m.Language),
		Rights: m.Rights(storage.Rights{AllClients: true}),
	})
	if errors.Is(err, storage.ErrExists) {
		err = conflict("somebody has that user name or e-mail address already")
	}
	if err != nil {
		return nil, operatorProblem(err)
	}
	done := operatorAnswer(made, http.StatusCreated)
	done.location = base + at("operators", made.ID)
	return done, nil
}

func inviteAgain(c *call) (*answer, error) {
	err := c.Admin.InviteAgain(c, c.actor, c.id())
	if errors.Is(err, storage.ErrConflict) {
		err = conflict("it is not invited: it is active, or disabled")
	}
	return &answer{}, operatorProblem(err)
}

func patchOperator(c *call) (*answer, error) {
	d, _, err := c.demand()
	if err != nil {
		return nil, err
	}
	m, err := c.operatorMembers("name", "language", "roles", "groups", "all_clients", "disabled", "personal_number")
	if err != nil {
		return nil, err
	}
	m.Revision = d.Revision
	changed, err := c.Admin.EditOperator(c, c.actor, c.id(), m.OperatorChange)
	if err != nil {
		return nil, operatorProblem(err)
	}
	return operatorAnswer(changed, http.StatusOK), nil
}

// operatorProblem says in words of operators what cannot be done to one.
func operatorProblem(err error) error {
	switch {
	case errors.Is(err, storage.ErrLastOwner):
		return conflict("it is the last owner who can log in")
	case errors.Is(err, storage.ErrLastWayIn):
		return conflict("it would have nothing left to log in with")
	case errors.Is(err, account.ErrNoMail):
		return conflict("no mail is sent here, so nobody would get the link: set mail.host")
	case errors.Is(err, storage.ErrExists):
		return conflict("another operator has that personal number")
	}
	return err
}

func deleteOperator(c *call) (*answer, error) {
	return &answer{}, operatorProblem(c.Admin.RemoveOperator(c, c.actor, c.id()))
}

func listSessions(c *call) (*answer, error) {
	all, err := c.Admin.OperatorSessions(c, c.actor, c.id())
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"items": all})
}

func endSessions(c *call) (*answer, error) {
	return &answer{}, c.Admin.EndSessions(c, c.actor, c.id(), c.request.PathValue("session"))
}

func unlock(c *call) (*answer, error) {
	return &answer{}, c.Admin.Unlock(c, c.actor, c.id())
}
