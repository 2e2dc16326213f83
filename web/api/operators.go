package api

import (
	"errors"
	"net/http"

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

// operatorFields are the members of an operator that are sent; nil for one that is not.
type operatorFields struct {
	userName, email, name, language, personalNumber *string
	roles                                           *[]storage.Role
	groups                                          *[]string
	allClients, disabled                            *bool
}

func (c *call) operatorFields(names ...string) (f operatorFields, err error) {
	return f, errors.Join(c.only(names...), c.field("user_name", &f.userName), c.field("email", &f.email), c.field("name", &f.name),
		c.field("language", &f.language), c.field("personal_number", &f.personalNumber), c.field("roles", &f.roles), c.field("groups", &f.groups),
		c.field("all_clients", &f.allClients), c.field("disabled", &f.disabled))
}

func textOf(at *string) secret.String {
	if at == nil {
		return secret.String{}
	}
	return secret.New(*at)
}

// rights returns the rights of an operator who has those of before. Who is sent groups and no all_clients is for these alone.
func (f *operatorFields) rights(before storage.Rights) storage.Rights {
	r := before
	if f.roles != nil {
		r.Roles = *f.roles
	}
	if f.groups != nil {
		r.Groups, r.AllClients = *f.groups, len(*f.groups) == 0
	}
	if f.allClients != nil {
		r.AllClients = *f.allClients
	}
	return r
}

func invite(c *call) (*answer, error) {
	f, err := c.operatorFields("user_name", "email", "name", "language", "roles", "groups", "all_clients")
	if err != nil {
		return nil, err
	}
	i := account.Invitation{
		UserName: textOf(f.userName), Email: textOf(f.email), Name: textOf(f.name), Language: textOf(f.language).Reveal(), Rights: f.rights(storage.Rights{AllClients: true}),
	}
	made, err := c.Admin.Invite(c, c.actor, i)
	if errors.Is(err, storage.ErrExists) {
		err = conflict("somebody has that user name or e-mail address already")
	}
	if err != nil {
		return nil, operatorProblem(err)
	}
	return operatorAnswer(made, http.StatusCreated), nil
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
	f, err := c.operatorFields("name", "language", "roles", "groups", "all_clients", "disabled", "personal_number")
	if err != nil {
		return nil, err
	}
	changed, err := c.Admin.EditOperator(c, c.actor, c.id(), func(before *storage.Operator) account.Change { return f.change(before, d.Revision) })
	if err != nil {
		return nil, operatorProblem(err)
	}
	return operatorAnswer(changed, http.StatusOK), nil
}

// change returns what becomes of the operator: what was not sent stays as it is.
func (f *operatorFields) change(before *storage.Operator, revision uint64) account.Change {
	change := account.Change{Revision: revision, Disabled: f.disabled}
	if f.roles != nil || f.groups != nil || f.allClients != nil {
		rights := f.rights(storage.Rights{Roles: before.Roles, AllClients: before.AllClients, Groups: before.Groups})
		change.Rights = &rights
	}
	if f.personalNumber != nil {
		number := textOf(f.personalNumber)
		change.PersonalNumber = &number
	}
	if f.name != nil || f.language != nil {
		change.Profile = &storage.Profile{Name: before.Name, Language: before.Language}
		if f.name != nil {
			change.Profile.Name = textOf(f.name)
		}
		if f.language != nil {
			change.Profile.Language = *f.language
		}
	}
	return change
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
