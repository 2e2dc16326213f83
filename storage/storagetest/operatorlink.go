package storagetest

import (
	"brygga/secret"
	"brygga/storage"
)

var operatorLinkTests = map[string]func(*fixture){
	"an invitation is accepted once, in time, and by its link": func(f *fixture) {
		f.step(1, storage.CreateOperator{Operator: newOperator("a", storage.RoleOwner), Link: newLink(storage.LinkInvite, "a", 500)})
		accept := storage.AcceptInvite{ID: "a", Link: hash("link a"), PasswordHash: stored("password")}
		f.refused(2, storage.AcceptInvite{ID: "a", Link: hash("link b"), PasswordHash: stored("password")}, storage.ErrNotFound)
		f.refused(2, storage.AcceptInvite{ID: "b", Link: hash("link a"), PasswordHash: stored("password")}, storage.ErrNotFound)
		f.refused(2, storage.ResetPassword{ID: "a", Link: hash("link a"), PasswordHash: stored("password")}, storage.ErrNotFound)
		f.refused(2, storage.ConfirmEmail{ID: "a", Link: hash("link a")}, storage.ErrNotFound)
		f.refused(500, accept, storage.ErrNotFound)
		o := f.step(499, accept).Operator
		f.same(o.State, storage.OperatorActive)
		f.same(o.EmailConfirmed, at(499))
		f.same(len(o.Sessions), 0)
		f.refused(499, accept, storage.ErrNotFound)
	},
	"of those who accept an invitation one does": func(f *fixture) {
		f.step(1, storage.CreateOperator{Operator: newOperator("a", storage.RoleOwner), Link: newLink(storage.LinkInvite, "a", 500)})
		f.same(f.race(8, func(i int) error {
			_, err := f.Store.StepOperator(f.Context(), storage.AcceptInvite{ID: "a", Link: hash("link a"), PasswordHash: stored(name("p", i))}, at(2))
			return err
		}, storage.ErrNotFound), 1)
	},
	"a link that was printed confirms no address, and resets nothing by mail before": func(f *fixture) {
		f.step(1, storage.CreateOperator{Operator: newOperator("a", storage.RoleOwner), Link: newLink(storage.LinkBootstrap, "a", 500)})
		o := f.step(2, storage.AcceptInvite{ID: "a", Link: hash("link a"), PasswordHash: stored("password")}).Operator
		f.same(o.EmailConfirmed.IsZero(), true)
		f.refused(3, storage.GiveLink{ID: "a", Link: newLink(storage.LinkReset, "reset", 500), Mailed: true}, storage.ErrMismatch)
		f.step(4, storage.GiveLink{ID: "a", Link: newLink(storage.LinkConfirm, "confirm", 500), Mailed: true})
		f.step(5, storage.ConfirmEmail{ID: "a", Link: hash("link confirm")})
		f.refused(6, storage.ConfirmEmail{ID: "a", Link: hash("link confirm")}, storage.ErrNotFound)
		f.step(7, storage.GiveLink{ID: "a", Link: newLink(storage.LinkReset, "reset", 500), Mailed: true})
	},
	"another link of its purpose takes the place of one": func(f *fixture) {
		f.step(1, storage.CreateOperator{Operator: newOperator("a", storage.RoleOwner), Link: newLink(storage.LinkInvite, "a", 500)})
		f.refused(2, storage.GiveLink{ID: "a", Link: newLink(storage.LinkReset, "reset", 500)}, storage.ErrConflict)
		f.step(2, storage.GiveLink{ID: "a", Link: newLink(storage.LinkInvite, "again", 600)})
		f.refused(3, storage.AcceptInvite{ID: "a", Link: hash("link a"), PasswordHash: stored("password")}, storage.ErrNotFound)
		f.step(4, storage.AcceptInvite{ID: "a", Link: hash("link again"), PasswordHash: stored("password")})
		f.refused(5, storage.GiveLink{ID: "a", Link: newLink(storage.LinkInvite, "late", 600)}, storage.ErrConflict)
	},
	"a reset works once, ends every session and other link, and lets the next attempt through": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		f.logIn("a", 1, 3)
		f.step(3, storage.GiveLink{ID: "a", Link: newLink(storage.LinkConfirm, "confirm", 500)})
		f.step(3, storage.GiveLink{ID: "a", Link: newLink(storage.LinkReset, "reset", 500), Mailed: true})
		f.attempts(4, 6)
		reset := storage.ResetPassword{ID: "a", Link: hash("link reset"), PasswordHash: stored("other"), Throttle: hash("account")}
		f.refused(500, reset, storage.ErrNotFound)
		f.same(f.step(5, reset).Ended, 1)
		f.refused(6, reset, storage.ErrNotFound)
		f.refused(6, storage.ConfirmEmail{ID: "a", Link: hash("link confirm")}, storage.ErrNotFound)
		f.refused(6, storage.LogIn{ID: "a", Proof: storage.Proof{Method: storage.MethodPassword, Password: stored("password")}, Session: newOperatorSession("a", 2)}, storage.ErrMismatch)
		f.same(f.attempt(6), true)
	},
	"of those who reset a password one does": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		f.step(3, storage.GiveLink{ID: "a", Link: newLink(storage.LinkReset, "reset", 500)})
		f.same(f.race(8, func(i int) error {
			_, err := f.Store.StepOperator(f.Context(), storage.ResetPassword{ID: "a", Link: hash("link reset"), PasswordHash: stored(name("p", i))}, at(4))
			return err
		}, storage.ErrNotFound), 1)
	},
	"another address is the operator's once its link comes back": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		f.logIn("a", 1, 3)
		link := newLink(storage.LinkEmailChange, "change", 500)
		link.Email, link.EmailHandle = secret.New("new@example.se"), hash("new@example.se")
		f.refused(4, storage.GiveLink{ID: "a", Link: link}, storage.ErrConflict)
		f.refused(4, storage.AskEmailChange{ID: "a", Session: cookie("a", 2), Link: link}, storage.ErrNotFound)
		f.step(4, storage.AskEmailChange{ID: "a", Session: cookie("a", 1), Link: link})
		f.same(f.operatorAt("a").EmailHandle, storage.Hash(hash("email a")))
		f.restart()
		o := f.step(5, storage.ConfirmEmail{ID: "a", Link: hash("link change")}).Operator
		f.same(o.Email.Reveal(), "new@example.se")
		_, err := f.Store.OperatorOf(f.Context(), hash("email a"))
		f.is(err, storage.ErrNotFound)
		found, err := f.Store.OperatorOf(f.Context(), hash("new@example.se"))
		f.ok(err)
		f.same(found.ID, "a")
		f.operator("b", storage.RoleAdmin)
		f.logIn("b", 1, 6)
		f.step(6, storage.AskEmailChange{ID: "b", Session: cookie("b", 1), Link: link})
		f.refused(7, storage.ConfirmEmail{ID: "b", Link: hash("link change")}, storage.ErrExists)
	},
	"nothing that could be used again comes back with a restored record": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		f.logIn("a", 1, 3)
		f.step(3, storage.GiveLink{ID: "a", Link: newLink(storage.LinkReset, "reset", 500)})
		o := f.operatorAt("a")
		o.Restored(at(4))
		f.same(len(o.Sessions)+len(o.Links)+len(o.Recovery), 0)
		f.same(o.TOTP.Step, at(4).Unix()/30)
	},
}
