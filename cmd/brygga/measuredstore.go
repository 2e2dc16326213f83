package main

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"brygga/storage"
)

// storeStep is a step of the store that logins and tokens wait for.
type storeStep int

const (
	stepCreateLogin storeStep = iota
	stepLogin
	stepBeginOrder
	stepPutOrder
	stepDropClaim
	stepRecordHint
	stepRecordSeen
	stepFailOrder
	stepCompleteLogin
	stepRecordReturn
	stepCancelOrder
	stepAnswerLogin
	stepRepeatAnswer
	stepRedeemCode
	stepIssueToken
	stepAccessToken
	stepRefreshToken
	stepRotateRefreshToken
	stepRevokeGrant
	stepSession
	stepAnswerFromSession
	stepEndSession
	stepPushRequest
	stepTakePushedRequest
	stepUseOnce
	stepClaimNotices
)

// storeSteps are their names, the values of the label "step".
var storeSteps = [...]string{
	stepCreateLogin:        "create_login",
	stepLogin:              "login",
	stepBeginOrder:         "begin_order",
	stepPutOrder:           "put_order",
	stepDropClaim:          "drop_claim",
	stepRecordHint:         "record_hint",
	stepRecordSeen:         "record_seen",
	stepFailOrder:          "fail_order",
	stepCompleteLogin:      "complete_login",
	stepRecordReturn:       "record_return",
	stepCancelOrder:        "cancel_order",
	stepAnswerLogin:        "answer_login",
	stepRepeatAnswer:       "repeat_answer",
	stepRedeemCode:         "redeem_code",
	stepIssueToken:         "issue_token",
	stepAccessToken:        "access_token",
	stepRefreshToken:       "refresh_token",
	stepRotateRefreshToken: "rotate_refresh_token",
	stepRevokeGrant:        "revoke_grant",
	stepSession:            "session",
	stepAnswerFromSession:  "answer_from_session",
	stepEndSession:         "end_session",
	stepPushRequest:        "push_request",
	stepTakePushedRequest:  "take_pushed_request",
	stepUseOnce:            "use_once",
	stepClaimNotices:       "claim_logout_notices",
}

// measuredStore is a store whose steps are measured, whichever it is. It is what logins and apps are served from.
type measuredStore struct {
	storage.Store
	seconds [len(storeSteps)]prometheus.Observer
	faults  [len(storeSteps)]prometheus.Counter
}

// measured returns the store with its steps measured.
func (m *stepMetrics) measured(store storage.Store) *measuredStore {
	s := &measuredStore{Store: store}
	for step, name := range storeSteps {
		s.seconds[step], s.faults[step] = m.stepSeconds.WithLabelValues(name), m.stepFaults.WithLabelValues(name)
	}
	return s
}

// took takes in a step. It costs no memory where there is no error.
func (m *measuredStore) took(step storeStep, began time.Time, err error) {
	m.seconds[step].Observe(time.Since(began).Seconds())
	if err != nil && isFault(err) {
		m.faults[step].Inc()
	}
}

// storeAnswers are what a store says that is well.
var storeAnswers = []error{storage.ErrNotFound, storage.ErrExists, storage.ErrConflict, storage.ErrBusy, storage.ErrMismatch, context.Canceled}

// isFault reports whether an error says that the store is not well.
func isFault(err error) bool {
	for _, answer := range storeAnswers {
		if errors.Is(err, answer) {
			return false
		}
	}
	_, code := errors.AsType[*storage.CodeReusedError](err)
	_, token := errors.AsType[*storage.TokenReusedError](err)
	return !code && !token
}
