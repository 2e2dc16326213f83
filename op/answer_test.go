package op

import "brygga/storage"

// grant returns what the client would get for the login, to be changed by tests that need one that no request leads to.
func (h *harness) grant(client *storage.Client, login *storage.Login) storage.Grant {
	answer, _ := h.answerTo(client, login.Request, event{
		identity: login.Identity, amr: h.amrOf(login.Identity), at: login.Completed, login: login.ID,
	}, h.now())
	return answer.Grant
}
