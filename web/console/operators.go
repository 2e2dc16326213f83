package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"brygga/account"
	"brygga/admin"
	"brygga/secret"
	"brygga/storage"
)

// operatorPages are those on the people who look after the installation.
func operatorPages() []page {
	return []page{
		{pattern: "GET /operators", operation: admin.ListOperators, handle: listOperators},
		{pattern: "GET /operators/new", operation: admin.Invite, handle: askInvitation},
		{pattern: "POST /operators/new", operation: admin.Invite, handle: invite},
		{pattern: "GET /operators/{id}", operation: admin.ShowOperator, handle: showOperator},
		{pattern: "POST /operators/{id}", operation: admin.ChangeRights, handle: changeOperator},
		{pattern: "POST /operators/{id}/person", operation: admin.ChangeRights, handle: changePerson},
		{pattern: "POST /operators/{id}/switch", operation: admin.ChangeRights, handle: switchOperator},
		{pattern: "POST /operators/{id}/invite", operation: admin.Invite, handle: inviteAgain},
		{pattern: "POST /operators/{id}/link", operation: admin.GiveLink, handle: giveLink},
		{pattern: "POST /operators/{id}/unlock", operation: admin.Unlock, handle: unlock},
		{pattern: "POST /operators/{id}/end-sessions", operation: admin.EndSessions, handle: endSessionsOf},
		{pattern: "GET /operators/{id}/remove", operation: admin.RemoveAccount, handle: askRemoval},
		{pattern: "POST /operators/{id}/remove", operation: admin.RemoveAccount, handle: removeOperator},
	}
}

// allRoles are the roles, from the most powerful on.
var allRoles = []storage.Role{storage.RoleOwner, storage.RoleAdmin, storage.RoleHelpdesk, storage.RoleAuditor}

func listOperators(v *visit) error {
	all, err := v.Admin.Operators(v, v.actor)
	if err != nil {
		return err
	}
	return v.show(v.text("operators.title"), operatorList(v, all))
}

// operatorOf is the operator of the address.
func (v *visit) operatorOf() (*storage.Operator, error) {
	return v.Admin.Operator(v, v.actor, v.r.PathValue("id"))
}

func askInvitation(v *visit) error {
	return v.show(v.text("operators.invite"), invitationBody(v, newForm("language", v.lang)))
}

func invite(v *visit) error {
	f := v.form()
	i := account.Invitation{
		UserName: secret.New(f.get("user_name")), Email: secret.New(f.get("email")), Name: secret.New(f.get("name")), Language: f.get("language"), Rights: rightsOf(f),
	}
	o, link, err := v.invited(i)
	if errors.Is(err, storage.ErrExists) {
		f.fault("user_name", v.text("operators.exists"))
	}
	if v.problems(f, err); f.faulty() {
		return v.refuse(v.text("operators.invite"), invitationBody(v, f))
	}
	if err != nil {
		return err
	}
	if !link.Address.IsZero() {
		return v.show(v.text("operators.link"), givenLink(v, o, link))
	}
	return v.leave(at("operators", o.ID), "operators.invited")
}

// invited sends an invitation, or where no mail is sent, returns a link to be handed over.
func (v *visit) invited(i account.Invitation) (o *storage.Operator, link account.Link, err error) {
	if v.Mail {
		o, err = v.Admin.Invite(v, v.actor, i)
		return o, link, err
	}
	return v.Admin.CreateOperator(v, v.actor, i)
}

// rightsOf are the roles and groups of a form. Without groups, all clients are meant.
func rightsOf(f *form) (r storage.Rights) {
	for _, role := range f.values["roles"] {
		r.Roles = append(r.Roles, storage.Role(role))
	}
	r.Groups = words(f.get("groups"))
	r.AllClients = len(r.Groups) == 0
	return r
}

func showOperator(v *visit) error {
	o, err := v.operatorOf()
	if err != nil {
		return err
	}
	return v.show(v.named(o), operatorBody(v, o, operatorForm(o), newForm()))
}

// named is what an operator is called.
func (v *visit) named(o *storage.Operator) string {
	if !o.Name.IsZero() {
		return o.Name.Reveal()
	}
	return o.UserName.Reveal()
}

func operatorForm(o *storage.Operator) *form {
	f := newForm("name", o.Name.Reveal(), "language", o.Language, "groups", strings.Join(o.Groups, ", "), "revision", strconv.FormatUint(o.Revision, 10))
	for _, role := range o.Roles {
		f.values.Add("roles", string(role))
	}
	return f
}

// change makes a change of the operator of the address, as it was when the form was shown.
func (v *visit) change(f *form, c account.Change) (o *storage.Operator, err error) {
	o, err = v.operatorOf()
	if err != nil {
		return nil, err
	}
	if c.Revision, err = strconv.ParseUint(f.get("revision"), 10, 64); err != nil {
		return nil, storage.ErrConflict
	}
	_, err = v.Admin.ChangeOperator(v, v.actor, o.ID, c)
	return o, err
}

func changeOperator(v *visit) error {
	f := v.form()
	rights := rightsOf(f)
	o, err := v.change(f, account.Change{Rights: &rights, Profile: &storage.Profile{Name: secret.New(f.get("name")), Language: f.get("language")}})
	if errors.Is(err, storage.ErrLastOwner) {
		f.fault("roles", v.text("operators.last-owner"))
	}
	if errors.Is(err, storage.ErrConflict) {
		return v.bothVersions(f)
	}
	if v.problems(f, err); f.faulty() {
		return v.refuse(v.named(o), operatorBody(v, o, f, newForm()))
	}
	if err != nil {
		return err
	}
	return v.leave(at("operators", o.ID), "operators.changed")
}

// bothVersions shows what was sent once more, beside what somebody else has stored meanwhile; sent again, it takes the place of that.
func (v *visit) bothVersions(f *form) error {
	o, err := v.operatorOf()
	if err != nil {
		return err
	}
	f.forget("revision")
	f.values.Set("revision", revisionOf(o))
	f.fault("", v.text("operators.conflict", "name", o.Name.Reveal(), "roles", v.roles(o), "language", textIn(o.Language, "language.name")))
	return v.send(http.StatusConflict, v.named(o), operatorBody(v, o, f, newForm()))
}

// changePerson takes the personal number that the operator may log in with. The number is not stored, and so never shown again.
func changePerson(v *visit) error {
	f := v.form()
	number := secret.New(f.get("personal_number"))
	if v.sent.Has("remove") {
		number = secret.String{}
	} else if number.IsZero() {
		f.fault("personal_number", v.text("problem.personal_number.invalid"))
	}
	var o *storage.Operator
	var err error
	if f.faulty() {
		o, err = v.operatorOf()
	} else {
		o, err = v.change(f, account.Change{PersonalNumber: &number})
	}
	if errors.Is(err, storage.ErrExists) {
		f.fault("personal_number", v.text("operators.person-exists"))
		err = nil
	}
	if v.problems(f, err); f.faulty() && o != nil {
		f.forget("personal_number")
		return v.refuse(v.named(o), operatorBody(v, o, operatorForm(o), f))
	}
	if err != nil {
		return err
	}
	return v.leave(at("operators", o.ID), "operators.changed")
}

func switchOperator(v *visit) error {
	disabled := v.sent.Get("disabled") == "true"
	o, err := v.change(v.form(), account.Change{Disabled: &disabled})
	if err != nil {
		return err
	}
	if disabled {
		return v.leave(at("operators", o.ID), "operators.disabled")
	}
	return v.leave(at("operators", o.ID), "operators.enabled")
}

func inviteAgain(v *visit) error {
	id := v.r.PathValue("id")
	if err := v.Admin.InviteAgain(v, v.actor, id); err != nil {
		return err
	}
	return v.leave(at("operators", id), "operators.invited")
}

// giveLink shows a link for the operator, once: it makes an account active, or sets another password.
func giveLink(v *visit) error {
	o, err := v.operatorOf()
	if err != nil {
		return err
	}
	link, err := v.Admin.GiveLink(v, v.actor, o.ID)
	if err != nil {
		return err
	}
	return v.show(v.text("operators.link"), givenLink(v, o, link))
}

// unlock lets the next attempt through after many that have failed.
func unlock(v *visit) error {
	id := v.r.PathValue("id")
	if err := v.Admin.Unlock(v, v.actor, id); err != nil {
		return err
	}
	return v.leave(at("operators", id), "operators.unlocked")
}

func endSessionsOf(v *visit) error {
	id := v.r.PathValue("id")
	if err := v.Admin.EndSessions(v, v.actor, id, ""); err != nil {
		return err
	}
	return v.leave(at("operators", id), "operators.sessions-ended")
}

func askRemoval(v *visit) error {
	o, err := v.operatorOf()
	if err != nil {
		return err
	}
	return v.show(v.text("operators.remove.title", "name", v.named(o)), removalBody(v, o))
}

func removeOperator(v *visit) error {
	o, err := v.operatorOf()
	if err != nil {
		return err
	}
	if err := v.Admin.RemoveOperator(v, v.actor, o.ID); err != nil {
		return err
	}
	return v.leave(at("operators"), "operators.removed", "name", v.named(o))
}
