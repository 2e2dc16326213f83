package login

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"brygga/audit"
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
func (c *collector) complete(ctx context.Context, l *storage.Login, progress Progress) {
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
	proven, found := c.proven(ctx, l, progress)
	if !proven {
		c.fail(ctx, l, ReasonUnverified, found...)
		return
	}
	policy := c.demands(client)
	v := judge(l, policy, progress, c.now())
	if v.reason != "" {
		c.fail(ctx, l, v.reason, append(found, finding{audit.ResultRefused, v.message()})...)
		return
	}
	if l.Request.Evidence && progress.Evidence != nil {
		if progress.Identity.Evidence, err = progress.Evidence(); err != nil {
			c.fault(ctx, "read evidence", l.ID, err) // the client gets its login without it: such claims are voluntary
		}
	}
	tell, told := c.tellCompleted(client, append(found, v.doubted()...))
	completed, err := c.store(l, storage.Result{Identity: progress.Identity, Met: l.Order.Policy.Judged(policy), ReturnWaived: v.waived}, tell)
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
	c.observe(LoginCompleted, "", completed.Order)
	c.tellStep(StepResult, l, l.Order, began, "")
}

// tellCompleted is [Engine.tell] for a login that gets its identity.
func (c *collector) tellCompleted(client *storage.Client, found []finding) (storage.Tell, func(context.Context)) {
	return c.Audit.OfLogin(func(l *storage.Login) []audit.Event {
		var events []audit.Event
		for _, f := range found {
			events = append(events, c.event(f.event, l, client, l.Order.Starter, f.message))
		}
		if l.ReturnWaived && l.Returned.IsZero() {
			events = append(events, c.event(audit.ReturnWaived, l, client, l.Order.Starter, ""))
		}
		completed := c.event(audit.LoginCompleted, l, client, l.Order.Starter, "")
		completed.Person, completed.Transaction = l.Identity.PersonalNumber, c.TransactionID(l.ID, l.Request.ClientID)
		if c.Subject != nil {
			completed.Subject = c.Subject(client, l.Identity.PersonalNumber)
		}
		return append(events, completed)
	})
}

// proven reports whether the result may be believed, as far as its evidence goes, and what the audit log is to be told when the evidence
// does not prove it.
func (c *collector) proven(ctx context.Context, l *storage.Login, progress Progress) (bool, []finding) {
	if c.Verify == VerifyOff {
		return true, nil
	}
	err := error(&UnverifiedError{Check: "evidence", Err: errors.New("the result came without evidence")})
	if progress.Verify != nil {
		err = progress.Verify()
	}
	c.watchResults(ctx, err)
	if err == nil {
		return true, nil
	}
	check, level, excepted := "unable", slog.LevelError, false // the fault is ours: a root that cannot be read, or an order without what was sent
	if unverified, ok := errors.AsType[*UnverifiedError](err); ok {
		check, excepted = unverified.Check, unverified.Excepted
	}
	if excepted {
		level = slog.LevelWarn
	}
	c.log.Log(ctx, level, "result not verified", "login", l.ID, "order", l.Order.ID, "mode", c.Verify, "excepted", excepted, "err", err)
	c.observe(ResultUnverified, check, l.Order)
	return excepted || c.Verify == VerifyLog, []finding{{audit.ResultUnverified, check}}
}

// watchResults tells once when results stop verifying, and once when they do again. A check that is excepted counts as passed.
func (c *collector) watchResults(ctx context.Context, err error) {
	unverified, ok := errors.AsType[*UnverifiedError](err)
	switch c.alarm.note(err == nil || ok && unverified.Excepted) {
	case alarmGoesOff:
		c.log.ErrorContext(ctx, "results of the service no longer verify: look at the checks that fail, at the clock and at the root of signatures",
			"of_the_last", alarmOf, "not_verified", alarmAfter, "err", err)
	case alarmIsOver:
		c.log.InfoContext(ctx, "results of the service verify again", "in_a_row", calmAfter)
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

func (v verdict) message() string {
	if v.detail == "" {
		return v.reason
	}
	return v.reason + ": " + v.detail
}

// doubted returns the doubts as the audit log is told of them.
func (v verdict) doubted() (found []finding) {
	for _, doubt := range v.doubts {
		found = append(found, finding{audit.ResultDoubtful, doubt})
	}
	return found
}

// judge applies the policy to a result whose evidence has been looked at. The order is judged as it was made: what else the
// person has asked for meanwhile counts only for the order that comes of it.
func judge(l *storage.Login, policy storage.Policy, progress Progress, now time.Time) verdict {
	identity, required := progress.Identity, l.Request.RequiredPersonalNumber
	switch {
	case identity.PersonalNumber.IsZero() || identity.Name.IsZero() || identity.GivenName.IsZero() && identity.Surname.IsZero():
		return verdict{reason: ReasonIncomplete}
	case progress.Unmet != "":
		return verdict{reason: ReasonUnmet, detail: progress.Unmet}
	case !required.IsZero() && !required.Equal(identity.PersonalNumber):
		return verdict{reason: ReasonOtherPerson}
	case policy.MinimumAge > 0 && !isOfAge(identity.PersonalNumber, policy.MinimumAge, now):
		return verdict{reason: ReasonTooYoung}
	}
	var v verdict
	starter := l.Order.Starter
	if !v.act(riskAction(policy, identity.Risk), ReasonRisk, identity.Risk) || starter.Device == storage.DeviceOther {
		return v
	}
	same := sameAddress(starter.IP, identity.DeviceIP)
	if !l.Order.ReturnRequired() {
		return v.judgeUnreturnable(same, identity)
	}
	if !same && !v.act(policy.AddressCheck, ReasonOtherAddress, "") {
		return v
	}
	v.waived = policy.Return == storage.ReturnBalanced && same && identity.Risk == riskLow && starter.DeviceIdentifier != ""
	return v
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
// (BankID: session fixation), so both must speak for the same device, whatever the policy allows otherwise.
func (v verdict) judgeUnreturnable(same bool, identity storage.Identity) verdict {
	switch {
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
