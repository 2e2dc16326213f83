package netidlogin

import (
	"errors"
	"time"

	"brygga/bankid"
	"brygga/eid"
	"brygga/evidence"
	"brygga/netid"
	"brygga/storage"
)

// outcome is a complete order. It is looked at by one goroutine.
type outcome struct {
	*method
	order  *storage.Order
	result *netid.Result
	// proof is what is proven of it, nil before that was found out and when nothing is.
	proof *netid.Proof
}

// progress returns what came of the order. What a signature is of does not stand with it: who signed is known once that is there.
func (o *outcome) progress() eid.Progress {
	p := eid.Progress{Status: eid.Complete, Identity: storage.Identity{Method: Name}, Verify: o.verify}
	if o.order.Kind == storage.KindSign {
		p.Identify = o.identify
	} else if p.Identity = o.identify(o.order.Sent); o.proof == nil {
		return p
	}
	p.Evidence, p.Record = o.evidence, o.record
	return p
}

// identify returns who is proven to have completed the order, nobody when nothing is.
func (o *outcome) identify(sent storage.Sent) storage.Identity {
	proof, err := o.prove(sent)
	if err != nil {
		return storage.Identity{Method: Name}
	}
	o.proof = &proof
	return o.identity(o.proof, o.result)
}

// verify checks the result against what was sent with the order. Who was asked for is the engine's to compare.
func (o *outcome) verify(sent storage.Sent) error {
	_, err := o.prove(sent)
	if failed, ok := errors.AsType[*netid.VerificationError](err); ok {
		return &eid.UnverifiedError{Check: string(failed.Check), Err: err}
	}
	return err
}

func (o *outcome) prove(sent storage.Sent) (netid.Proof, error) {
	return o.Verifier.Verify(o.result, netid.Expected{
		Visible: sent.VisibleText, NonVisible: o.hidden(&sent), StartedAt: asked(o.order.Started), EndedAt: o.Now(),
	})
}

// asked returns when an order may have been asked for whose answer came at that time.
func asked(started time.Time) time.Time { return started.Add(-callTime) }

var errUnproven = errors.New("netidlogin: the result is not proven")

func (o *outcome) evidence() (*storage.Evidence, error) {
	if o.proof == nil {
		return nil, errUnproven
	}
	return evidenceOf(o.proof, o.result)
}

// record returns the line of evidence. A text and its data are what was asked for; an identification has a nonce in their place.
func (o *outcome) record(about eid.About) ([]byte, error) {
	if o.proof == nil {
		return nil, errUnproven
	}
	r := evidence.Record{
		ID: about.ID, Issuer: about.Issuer, Client: evidence.Client{ID: about.ClientID, Name: about.ClientName}, Transaction: about.Transaction,
		Sent: bankid.Expected{Kind: bankid.KindAuth, StartedAt: asked(about.Started), EndedAt: about.Ended},
	}
	nonce := string(about.Sent.NonVisible)
	if about.Kind == storage.KindSign {
		r.Sent.Kind, r.Sent.UserVisibleData, r.Sent.UserNonVisibleData, nonce = bankid.KindSign, about.Sent.VisibleText, about.Sent.NonVisible, ""
	}
	if err := r.AddNetID(about.Sent.Salt, nonce, o.result, o.proof, o.Verifier.Options()); err != nil {
		return nil, err
	}
	return r.Line()
}
