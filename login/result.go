package login

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/personnummer"
	"brygga/secret"
	"brygga/storage"
)

// While the store fails, a result is held as long as its login lives: the service does not give it twice, and the fail-over of a database takes its
// time. It is tried after storeWait first and each storeSlowest in the end. A process that stops tries for partingTime.
const (
	storeWait    = 250 * time.Millisecond
	storeSlowest = 2 * time.Second
	partingTime  = 15 * time.Second
)

// The risks that a service may name (BankID API: collect, risk).
const (
	riskLow  = "low"
	riskHigh = "high"
)

// complete checks the result of the order and stores it. It is stored before anything acts on it: pages, codes and tokens
// read it from the store only.
func (c *collector) complete(ctx context.Context, l *storage.Login, progress eid.Progress) {
	began := c.now()
	if !c.opened.IsZero() {
		c.tellStep(StepSign, l, l.Order, c.opened, "")
	}
	client, err := c.clientOf(l)
	if err != nil {
		c.fault(ctx, "read client of login", l.ID, err)
		c.fail(ctx, l, ReasonLost) // without the client's policy nothing can be judged
		return
	}
	document, lost := c.documentNow(l)
	if lost != nil {
		c.fault(ctx, "read document of login", l.ID, lost)
		c.fail(ctx, l, ReasonLost)
		return
	}
	sent := withDocument(l.Order.Sent, document)
	if progress.Identify != nil {
		progress.Identity = progress.Identify(sent)
	}
	proven, found := c.proven(ctx, l, sent, progress)
	if !proven {
		c.fail(ctx, l, ReasonUnverified, found...)
		return
	}
	policy, _ := c.demandsFor(client, l.Request) // of the kinds of eID, the order holds what was demanded
	v := judge(c.method, l, policy, progress, c.now())
	if v.reason != "" {
		c.fail(ctx, l, v.reason, append(found, finding{audit.ResultRefused, v.message()})...)
		return
	}
	if progress.Identity.Evidence, err = proofFor(l.Request, progress); err != nil {
		c.fault(ctx, "read evidence", l.ID, err) // the client gets its login without it: such claims are voluntary
	}
	record, lacking := c.evidence(l, client, sent, progress)
	if lacking != nil {
		c.fault(ctx, "make evidence", l.ID, lacking)
		c.fail(ctx, l, ReasonUnverified)
		return
	}
	tell, told := c.tellCompleted(client, record, append(found, v.doubted()...))
	completed, err := c.store(l, storage.Result{Identity: progress.Identity, Met: l.Order.Policy.Judged(policy), ReturnWaived: v.waived, Record: record}, tell)
	switch {
	case errors.Is(err, storage.ErrConflict), errors.Is(err, storage.ErrNotFound):
		c.log.InfoContext(ctx, "result dropped: its order is no longer wanted", "login", l.ID, "order", l.Order.ID)
		return
	case err != nil:
		c.fault(ctx, "complete login", l.ID, err)
		c.fail(ctx, l, ReasonLost)
		return
	}
	c.watches.tell(l.ID)
	told(context.WithoutCancel(ctx))
	c.tellEnded(completed)
	c.observe(LoginCompleted, "", completed.Order)
	c.tellStep(StepResult, l, l.Order, began, "")
}

// proofFor returns what the client is to have of what proves the result: nil for nothing, and the signature for a program that may have it alone.
func proofFor(request *storage.AuthRequest, progress eid.Progress) (*storage.Evidence, error) {
	signature := request.Program != nil && request.Program.Proof
	if progress.Evidence == nil || !request.Evidence && !signature {
		return nil, nil
	}
	proof, err := progress.Evidence()
	if err == nil && !signature {
		proof.Signature = nil
	}
	return proof, err
}

// tellCompleted is [Engine.tell] for a login that gets its identity.
func (c *collector) tellCompleted(client *storage.Client, record *storage.EvidenceRecord, found []finding) (storage.Tell, func(context.Context)) {
	return c.Audit.OfLogin(func(l *storage.Login) []audit.Event {
		var events []audit.Event
		for _, f := range found {
			events = append(events, c.event(c.method, f.event, l, client, l.Order.Starter, f.message))
		}
		if l.ReturnWaived && l.Returned.IsZero() {
			events = append(events, c.event(c.method, audit.ReturnWaived, l, client, l.Order.Starter, ""))
		}
		completed := c.event(c.method, audit.LoginCompleted, l, client, l.Order.Starter, "")
		if record != nil {
			completed.Evidence = hex.EncodeToString(record.Sum[:])
		}
		completed.Person, completed.Transaction = l.Identity.Person(), c.TransactionID(l.ID, l.Request.ClientID)
		if c.Subject != nil {
			completed.Subject = c.Subject(client, l.Identity)
		}
		return append(events, completed)
	})
}

// proven reports whether the result may be believed, as far as its evidence goes, and what the audit log is to be told when the evidence
// does not prove it.
//
// A signature or a payment is believed when it is proven, and never otherwise.
func (c *collector) proven(ctx context.Context, l *storage.Login, sent storage.Sent, progress eid.Progress) (bool, []finding) {
	commits := l.Order.Kind.Commits()
	if c.Verify == VerifyOff && !commits {
		return true, nil
	}
	err := error(&eid.UnverifiedError{Check: "evidence", Err: errors.New("the result came without evidence")})
	if progress.Verify != nil {
		err = progress.Verify(sent)
	}
	c.watchResults(ctx, l.Order.Method, err)
	if err == nil {
		return true, nil
	}
	check, level, excepted := "unable", slog.LevelError, false // the fault is ours: a root that cannot be read, or an order without what was sent
	if unverified, ok := errors.AsType[*eid.UnverifiedError](err); ok {
		check, excepted = unverified.Check, unverified.Excepted
	}
	if excepted {
		level = slog.LevelWarn
	}
	c.log.Log(ctx, level, "result not verified", "login", l.ID, "order", l.Order.ID, "mode", c.Verify, "excepted", excepted, "err", err)
	c.observe(ResultUnverified, check, l.Order)
	return !commits && (excepted || c.Verify == VerifyLog), []finding{{audit.ResultUnverified, check}}
}

// watchResults tells once when results of an eID stop verifying, and once when they do again. A check that is excepted counts as passed.
func (c *collector) watchResults(ctx context.Context, method string, err error) {
	unverified, ok := errors.AsType[*eid.UnverifiedError](err)
	switch c.named(method).alarm.note(err == nil || ok && unverified.Excepted) {
	case alarmGoesOff:
		c.log.ErrorContext(ctx, "results of the service no longer verify: look at the checks that fail, at the clock and at the root of signatures",
			"method", method, "of_the_last", alarmOf, "not_verified", alarmAfter, "err", err)
	case alarmIsOver:
		c.log.InfoContext(ctx, "results of the service verify again", "method", method, "in_a_row", calmAfter)
	}
}

// clientOf reads the login's client, again and again while the store fails. One that is disabled is not found.
func (c *collector) clientOf(l *storage.Login) (client *storage.Client, err error) {
	err = c.insist("read client of login", l, func(ctx context.Context) error {
		client, err = storage.Enabled(c.Store).Client(ctx, l.Request.ClientID)
		return err
	})
	return client, err
}

// store stores the result and what is told of it, again and again while the store fails.
func (c *collector) store(l *storage.Login, result storage.Result, tell storage.Tell) (completed *storage.Login, err error) {
	err = c.insist("complete login", l, func(ctx context.Context) error {
		completed, err = c.Store.CompleteLogin(ctx, l.ID, l.Order.ID, result, c.now(), tell)
		return err
	})
	return completed, err
}

// insist calls do until it succeeds, or says that the login or client is not there or has moved on, or the login is over.
func (c *collector) insist(doing string, l *storage.Login, do func(context.Context) error) (err error) {
	until := l.Expires
	for wait := storeWait; ; wait = min(2*wait, storeSlowest) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), callTime)
		err = do(ctx)
		cancel()
		if err == nil || errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrNotFound) {
			return err
		}
		c.fault(context.WithoutCancel(c.ctx), doing, l.ID, err)
		now := c.now()
		if parting := now.Add(partingTime); c.ctx.Err() != nil && parting.Before(until) {
			until = parting
		}
		if !now.Before(until) {
			return err
		}
		time.Sleep(wait)
	}
}

// verdict is what becomes of a result.
type verdict struct {
	// reason is why it is refused, and detail what of it; an empty reason accepts it.
	reason, detail string
	// doubts are what speaks against an accepted result, for the audit log.
	doubts []string
	// waived says that it counts without the return from the app.
	waived bool
}

func (v verdict) message() string { return withDetail(v.reason, v.detail) }

// doubted returns the doubts as the audit log is told of them.
func (v verdict) doubted() (found []finding) {
	for _, doubt := range v.doubts {
		found = append(found, finding{audit.ResultDoubtful, doubt})
	}
	return found
}

// judge applies the policy to a result whose evidence has been looked at. The order is judged as it was made: what else the
// person has asked for meanwhile counts only for the order that comes of it.
func judge(m *method, l *storage.Login, policy storage.Policy, progress eid.Progress, now time.Time) verdict {
	identity := progress.Identity
	switch {
	case m.Whole != nil && !m.Whole(&identity):
		return verdict{reason: ReasonIncomplete}
	case !isKnown(&identity, policy):
		return verdict{reason: ReasonNoIdentifier}
	case l.Order.Policy.MRTD.On() && !identity.MRTD:
		return verdict{reason: ReasonUnmet, detail: "mrtd"}
	case progress.Unmet != "":
		return verdict{reason: ReasonUnmet, detail: progress.Unmet}
	case !isWanted(&identity, required(l.Request)), !isWanted(&identity, l.Order.Starter.Person):
		return verdict{reason: ReasonOtherPerson}
	case policy.MinimumAge > 0 && !isOfAge(identity.PersonalNumber, policy.MinimumAge, now):
		return verdict{reason: ReasonTooYoung}
	}
	var v verdict
	starter := l.Order.Starter
	if !v.act(riskAction(policy, identity.Risk), ReasonRisk, identity.Risk) || starter.Device != storage.DeviceThis {
		return v
	}
	same := sameAddress(starter.IP, identity.DeviceIP)
	if !l.Order.ReturnRequired() {
		return v.judgeUnreturnable(m, same, identity)
	}
	if !same && !v.act(policy.AddressCheck, ReasonOtherAddress, "") {
		return v
	}
	v.waived = policy.Return == storage.ReturnBalanced && same && m.Risk && identity.Risk == riskLow && starter.DeviceIdentifier != ""
	return v
}

// isKnown reports whether the client can tell the person from others.
func isKnown(identity *storage.Identity, policy storage.Policy) bool {
	_, known := identity.KnownBy(policy.PersonKeys)
	return known
}

// required returns the only person who may complete a login with the request, zero for anyone.
func required(request *storage.AuthRequest) storage.PersonKey {
	if request.RequiredPersonalNumber.IsZero() {
		return storage.PersonKey{}
	}
	return storage.PersonKey{Name: storage.KeyPersonalNumber, Value: request.RequiredPersonalNumber}
}

// isWanted reports whether the identity is the one that is required, which zero leaves to anyone. Who lacks that key is not.
func isWanted(identity *storage.Identity, required storage.PersonKey) bool {
	return required.IsZero() || identity.Is(required)
}

// act does with a finding what the policy says, and reports whether the result may still be accepted.
func (v *verdict) act(action, reason, detail string) bool {
	switch action {
	case storage.ActionAccept, storage.ActionOff:
		return true
	case storage.ActionAudit:
		v.doubts = append(v.doubts, verdict{reason: reason, detail: detail}.message())
		return true
	}
	v.reason, v.detail = reason, detail
	return false
}

// riskAction returns what to do at that risk. No risk says nothing. A word that is not known is not low, so that it is treated
// as moderate.
func riskAction(policy storage.Policy, risk string) string {
	switch risk {
	case "", riskLow:
		return storage.ActionAccept
	case riskHigh:
		return policy.HighRisk
	}
	return policy.ModerateRisk
}

// judgeUnreturnable judges an order for this device whose browser no address leads back to, such as one inside another app.
// With no return nonce, only the address and the risk tell the person who started from one who was sent the launch link
// (BankID: session fixation), so both must speak for the same device, whatever the policy allows otherwise. The address alone is not enough: whole offices
// have one. So a result of a method that judges no risk never counts without the return.
func (v verdict) judgeUnreturnable(m *method, same bool, identity storage.Identity) verdict {
	switch {
	case !m.Risk:
		return verdict{reason: ReasonNoWayBack}
	case !same:
		return verdict{reason: ReasonOtherAddress, detail: "no way back"}
	case identity.Risk != riskLow:
		return verdict{reason: ReasonRisk, detail: "no way back"}
	}
	return v
}

// sameAddress compares two addresses; one that cannot be read is like no other.
func sameAddress(one, other string) bool {
	a, err := netip.ParseAddr(one)
	if err != nil {
		return false
	}
	b, err := netip.ParseAddr(other)
	return err == nil && a.Unmap().WithZone("") == b.Unmap().WithZone("")
}

// isOfAge reports whether the person was at least so many years old at now, by the date in UTC: that day comes to Sweden a
// little earlier, so nobody passes too soon. A number without a date of birth does not tell.
func isOfAge(personalNumber secret.String, years int, now time.Time) bool {
	born, ok := personnummer.Born(personalNumber)
	return ok && born.OfAge(years, now)
}
