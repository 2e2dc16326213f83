package bankidsim

import (
	"encoding/json"
	"net/http"
	"time"
)

// start returns the call that starts an order of a kind (BankID API: auth, sign, phone auth, phone sign, payment).
func start(k Kind) func(*Simulator, relyingParty, *object, spoiling) (any, *apiError) {
	return func(s *Simulator, rp relyingParty, body *object, _ spoiling) (any, *apiError) {
		request, fault := parseStart(body, k)
		if fault != nil {
			return nil, fault
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		now := s.now()
		known := k.pushed() && request.personalNumber != ""
		if known {
			if open := s.orders.openFor(request.personalNumber, now); open != nil {
				open.fail(hintCancelled, now) // both attempts are lost
				return nil, &apiError{http.StatusBadRequest, "alreadyInProgress", "Order already in progress for this person"}
			}
		}
		o := newOrder(k, rp, request, now)
		s.orders.add(o, now)
		if known {
			s.orders.give(o, request.personalNumber, now)
		}
		return startResponse{o.ref, o.autoStartToken, o.qrStartToken, o.qrStartSecret}, nil
	}
}

// find returns the order that body names, if it is rp's and still kept. The caller holds mu.
func (s *Simulator) find(rp relyingParty, body *object, endpoint string, now time.Time) (*order, *apiError) {
	ref := body.required("orderRef", 1, 64)
	body.finish()
	if *body.fault != nil {
		return nil, *body.fault
	}
	note := func(kind string) {
		s.misuse.add(Misuse{Kind: kind, Time: now, RP: rp.displayName, Endpoint: endpoint, OrderRef: ref})
	}
	o := s.orders.byRef[ref]
	if o == nil {
		note(MisuseUnknownOrder)
		return nil, errNoOrder
	}
	if o.rp.fingerprint != rp.fingerprint {
		note(MisuseForeignOrder)
		return nil, errNoOrder
	}
	if o.gone(now) || o.spent {
		// A collect that crosses with a cancel is nobody's fault.
		if endpoint == "collect" && !o.cancelledByRP {
			note(MisuseAfterEnd)
		}
		return nil, errNoOrder
	}
	return o, nil
}

// collect tells the state of an order, and a final one once (BankID API: collect).
func (s *Simulator) collect(rp relyingParty, body *object, sp spoiling) (any, *apiError) {
	s.mu.Lock()
	now := s.now()
	o, fault := s.find(rp, body, "collect", now)
	if fault != nil {
		s.mu.Unlock()
		return nil, fault
	}
	if !o.lastCollect.IsZero() && now.Sub(o.lastCollect) < tooOften {
		s.misuse.add(Misuse{Kind: MisuseCollectTooOften, Time: now, RP: rp.displayName, Endpoint: "collect", OrderRef: o.ref})
	}
	o.lastCollect = now
	o.collects++
	answer := collectResponse{OrderRef: o.ref, Status: o.state, HintCode: o.hint}
	if o.state == StatePending {
		if sp.unknownHints && !o.pickedUp.IsZero() && o.collects%2 == 0 {
			answer.HintCode = unknownPendingHint
		}
		s.mu.Unlock()
		return answer, nil
	}
	o.spent = true
	facts := o.facts()
	o.forget()
	s.mu.Unlock()
	if answer.Status == StateComplete {
		return s.complete(answer, facts)
	}
	return answer, nil
}

// complete adds the result. It runs without the lock, as signing takes a while.
func (s *Simulator) complete(answer collectResponse, facts orderFacts) (any, *apiError) {
	attacks := s.chaos.attacks()
	data, err := s.result(facts, attacks)
	if err != nil {
		s.log.Error("result cannot be made", "err", err)
		return nil, &apiError{http.StatusInternalServerError, "internalError", "The result cannot be made"}
	}
	answer.HintCode = ""
	answer.CompletionData = data
	if attacks[AttackOtherOrderRef] {
		answer.OrderRef = newUUID()
	}
	return answer, nil
}

// cancelOrder ends an order for the relying party (BankID API: cancel). An order that has ended already cannot be
// cancelled; its result can still be collected.
func (s *Simulator) cancelOrder(rp relyingParty, body *object, _ spoiling) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	o, fault := s.find(rp, body, "cancel", now)
	if fault != nil {
		return nil, fault
	}
	if o.state != StatePending {
		return nil, errNoOrder
	}
	o.fail(hintCancelled, now)
	o.spent, o.cancelledByRP = true, true
	o.forget()
	return json.RawMessage("{}"), nil
}
