package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"brygga/bankid/bankidsim"
)

// rowTelephone has a client name a person on the telephone and ask for the tokens as often as it may (OpenID CIBA Core).
const rowTelephone = "login by telephone, ES256"

// grantCIBA is the grant type by which it asks.
const grantCIBA = "urn:openid:params:grant-type:ciba"

// telephone logs a person in by telephone.
func (b *bench) telephone(ctx context.Context, person string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	center := *b.es256
	center.id = "bench-telephone"
	text, err := center.post(ctx, b.issuer+"/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {person}})
	if err != nil {
		return err
	}
	var asked struct {
		ID       string `json:"auth_req_id"`
		Interval int    `json:"interval"`
	}
	if err := json.Unmarshal(text, &asked); err != nil {
		return err
	}
	approved := make(chan error, 1)
	go func() { approved <- b.approveCall(ctx, person) }()
	for done := false; !done && err == nil; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(asked.Interval) * time.Second):
			done, err = center.poll(ctx, asked.ID)
		}
	}
	if err != nil {
		return err
	}
	return <-approved
}

// approveCall is the person: the order reaches the app by itself, and is confirmed and approved after a while.
func (b *bench) approveCall(ctx context.Context, person string) error {
	for ctx.Err() == nil {
		time.Sleep(200 * time.Millisecond)
		all := b.sim.Orders(bankidsim.StatePending)
		i := slices.IndexFunc(all, func(o bankidsim.Order) bool { return o.PersonalNumber == person && !o.PickedUp })
		if i < 0 {
			continue
		}
		ref := all[i].OrderRef
		if _, err := b.sim.Open(bankidsim.Pickup{OrderRef: ref, PersonalNumber: person}); err != nil {
			return err
		}
		if _, err := b.sim.ConfirmCall(ref, true); err != nil {
			return err
		}
		time.Sleep(b.think)
		_, err := b.sim.Sign(ref, bankidsim.Approval{})
		return err
	}
	return ctx.Err()
}

// poll asks for the tokens once, and reports whether they came.
func (p *provider) poll(ctx context.Context, authReqID string) (bool, error) {
	form := url.Values{"grant_type": {grantCIBA}, "auth_req_id": {authReqID}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.metadata.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(p.id, p.secret)
	response, err := p.browser.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return false, err
	case response.StatusCode == http.StatusOK:
		return true, nil
	case bytes.Contains(text, []byte(`"authorization_pending"`)):
		return false, nil
	}
	return false, fmt.Errorf("poll: %s: %s", response.Status, text)
}

// roundOfCalls measures logins by telephone beside the others of the same round.
func (b *bench) roundOfCalls(ctx context.Context, s *server, constant float64, t *table) error {
	used, err := s.using(func() error {
		return b.inTime(func(_ int, person string) error { return b.telephone(ctx, person) })
	})
	if err != nil {
		return fmt.Errorf("login by telephone: %w (server: %s)", err, s.stderr)
	}
	t.add(rowTelephone, constantBytes, constant)
	t.add(rowTelephone, bryggaES256, used/float64(b.logins)*1e6)
	return nil
}
