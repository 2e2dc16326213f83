package login

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"brygga/eid"
	"brygga/storage"
)

// createSignature stores a login whose person is to sign, with the document. What is signed is chosen here, once: every order for the login has the same.
func (e *Engine) createSignature(ctx context.Context, l storage.Login) (*storage.Login, error) {
	document := documentFor(&l)
	signers, all := e.signersOf(l.Request)
	if len(signers) == 0 {
		return nil, ErrNoOrders
	}
	if l.Request.Sign = nil; !all {
		l.Request.Signers = signers
	}
	l, document, err := l.Signing(document)
	if err == nil {
		err = e.Store.CreateSignature(ctx, l, document)
	}
	if err != nil {
		return nil, fmt.Errorf("create signature: %w", err)
	}
	return &l, nil
}

// signersOf returns the names of the methods that sign what the request is for, and whether those are all that sign anything.
func (e *Engine) signersOf(request *storage.AuthRequest) (names []string, all bool) {
	all = true
	for _, m := range e.methods {
		if can := m.signs(request); can {
			names = append(names, m.name)
		} else if slices.Contains(m.Kinds, storage.KindSign) {
			all = false
		}
	}
	return names, all
}

// signs reports whether the method can have signed exactly what the request is for, and shown to nobody else. Of one that is stored, that has been judged.
func (m *method) signs(request *storage.AuthRequest) bool {
	sign := request.Sign
	switch {
	case !slices.Contains(m.Kinds, storage.KindSign), !m.Binds && !request.RequiredPersonalNumber.IsZero():
		return false
	case sign == nil:
		return len(request.Signers) == 0 || slices.Contains(request.Signers, m.name)
	}
	limits := m.texts(storage.KindSign)
	return limits.Signs(textToSign(&sign.Message, sign.Language), sign.Message.Format, len(sign.Data))
}

// documentFor returns what is to be signed: the client's text in the language of the page, and its data as it is. An approval has no data; what is signed along
// then ties it to the login and the client.
func documentFor(l *storage.Login) storage.Document {
	sign := l.Request.Sign
	d := storage.Document{Visible: []byte(textToSign(&sign.Message, sign.Language)), Format: sign.Message.Format, Hidden: sign.Data}
	if sign.Approval {
		sum := sha256.Sum256([]byte("brygga approval\n" + l.ID + "\n" + l.Request.ClientID + "\n" + l.Request.Nonce))
		d.Hidden = []byte(base64.StdEncoding.EncodeToString(sum[:]))
	}
	return d
}

// textToSign returns the text in the language. Where the client has none, and none for all languages, it is the first of those that it has: what is
// signed must be shown.
func textToSign(m *storage.UserMessage, language string) string {
	if text := messageIn(m, language); text != "" {
		return text
	}
	for _, tag := range slices.Sorted(maps.Keys(m.Text)) {
		return m.Text[tag]
	}
	return ""
}

// documentOf returns what is to be signed with the login, nil when nothing is.
func (e *Engine) documentOf(ctx context.Context, l *storage.Login) (*storage.Document, error) {
	if l.Request.Kind != storage.KindSign {
		return nil, nil
	}
	document, err := e.Store.Document(ctx, l.ID, e.now())
	if err != nil {
		return nil, fmt.Errorf("document of login: %w", err)
	}
	if document.Sum() != l.Request.Document {
		return nil, fmt.Errorf("document of login: it is not the one that the login names")
	}
	return document, nil
}

// documentNow is documentOf, again and again while the store fails: a result is at stake, which the service does not give twice.
func (c *collector) documentNow(l *storage.Login) (document *storage.Document, err error) {
	err = c.insist("read document of login", l, func(ctx context.Context) error {
		document, err = c.documentOf(ctx, l)
		return err
	})
	return document, err
}

// errNoEvidence means that a result which is to be proven for years came without what proves it.
var errNoEvidence = errors.New("the result came without evidence")

// evidence returns what is to be kept of the result, nil for nothing. It is stored by the step that completes the login, again and again while the
// store fails, like all of the result.
func (c *collector) evidence(l *storage.Login, client *storage.Client, sent storage.Sent, progress eid.Progress) (*storage.EvidenceRecord, error) {
	kept := c.EvidenceKept(client, l.Order.Kind)
	switch {
	case kept <= 0:
		return nil, nil
	case progress.Record == nil:
		return nil, errNoEvidence
	}
	now := c.now()
	transaction := c.transaction(l)
	record := storage.EvidenceRecord{
		ID: transaction, ClientID: client.ID, Transaction: transaction, Login: l.Reference(), Method: l.Order.Method, Kind: l.Order.Kind,
		Created: now, Kept: now.Add(kept),
	}
	line, err := progress.Record(eid.About{
		ID: record.ID, Issuer: c.Issuer, ClientID: client.ID, ClientName: client.NameIn(l.Order.Starter.Language), Transaction: record.Transaction,
		Kind: l.Order.Kind, Sent: sent, Payment: l.Request.Payment, Started: l.Order.Started, Ended: now,
	})
	if err != nil {
		return nil, fmt.Errorf("make evidence: %w", err)
	}
	record.Line = line
	record = record.Summed()
	return &record, nil
}

// transaction returns what the client will know the login by.
func (c *collector) transaction(l *storage.Login) string {
	return cmp.Or(c.TransactionID(l.ID, l.Request.ClientID), l.ID)
}

// toSign makes a request one for a signature: of the document, and of nothing of ours.
func toSign(r *eid.Request, d *storage.Document, policy storage.Policy) {
	r.Kind, r.PinCode, r.Data = storage.KindSign, policy.SignPinCode.On(), d.Hidden
	r.VisibleText, r.VisibleFormat = string(d.Visible), d.Format
}

// withoutDocument returns what was sent as it stands with the order: by its sum, so that it is written once and not with each step.
func withoutDocument(sent storage.Sent, sum storage.Hash) storage.Sent {
	sent.VisibleText, sent.NonVisible, sent.Document = "", nil, sum
	return sent
}

// withDocument returns what was sent, whole again.
func withDocument(sent storage.Sent, d *storage.Document) storage.Sent {
	if d != nil {
		sent.VisibleText, sent.NonVisible = string(d.Visible), d.Hidden
	}
	return sent
}
