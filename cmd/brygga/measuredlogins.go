package main

import (
	"context"
	"time"

	"brygga/storage"
)

func (m *measuredStore) CreateLogin(ctx context.Context, login storage.Login) error {
	began := time.Now()
	err := m.Store.CreateLogin(ctx, login)
	m.took(stepCreateLogin, began, err)
	return err
}

func (m *measuredStore) Login(ctx context.Context, id string, now time.Time) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.Login(ctx, id, now)
	m.took(stepLogin, began, err)
	return after, err
}

func (m *measuredStore) BeginOrder(ctx context.Context, id string, claim storage.Claim, tell ...storage.Tell) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.BeginOrder(ctx, id, claim, tell...)
	m.took(stepBeginOrder, began, err)
	return after, err
}

func (m *measuredStore) PutOrder(ctx context.Context, id, claimID string, order storage.Order) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.PutOrder(ctx, id, claimID, order)
	m.took(stepPutOrder, began, err)
	return after, err
}

func (m *measuredStore) DropClaim(ctx context.Context, id, claimID string, failure storage.Failure, now time.Time, tell ...storage.Tell) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.DropClaim(ctx, id, claimID, failure, now, tell...)
	m.took(stepDropClaim, began, err)
	return after, err
}

func (m *measuredStore) RecordHint(ctx context.Context, id, orderID string, phase storage.Phase, hintCode string, now time.Time) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.RecordHint(ctx, id, orderID, phase, hintCode, now)
	m.took(stepRecordHint, began, err)
	return after, err
}

func (m *measuredStore) RecordSeen(ctx context.Context, id string, now time.Time) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.RecordSeen(ctx, id, now)
	m.took(stepRecordSeen, began, err)
	return after, err
}

func (m *measuredStore) FailOrder(ctx context.Context, id, orderID string, failure storage.Failure, now time.Time, tell ...storage.Tell) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.FailOrder(ctx, id, orderID, failure, now, tell...)
	m.took(stepFailOrder, began, err)
	return after, err
}

func (m *measuredStore) CompleteLogin(ctx context.Context, id, orderID string, result storage.Result, now time.Time, tell ...storage.Tell) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.CompleteLogin(ctx, id, orderID, result, now, tell...)
	m.took(stepCompleteLogin, began, err)
	return after, err
}

func (m *measuredStore) RecordReturn(ctx context.Context, id string, nonceHash [32]byte, now time.Time) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.RecordReturn(ctx, id, nonceHash, now)
	m.took(stepRecordReturn, began, err)
	return after, err
}

func (m *measuredStore) CancelOrder(ctx context.Context, id string, failure storage.Failure, now time.Time, tell ...storage.Tell) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.CancelOrder(ctx, id, failure, now, tell...)
	m.took(stepCancelOrder, began, err)
	return after, err
}

func (m *measuredStore) AnswerLogin(ctx context.Context, id string, answer storage.Answer, now time.Time) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.AnswerLogin(ctx, id, answer, now)
	m.took(stepAnswerLogin, began, err)
	return after, err
}

func (m *measuredStore) RepeatAnswer(ctx context.Context, id string, code [32]byte, expires, now time.Time) (*storage.Login, error) {
	began := time.Now()
	after, err := m.Store.RepeatAnswer(ctx, id, code, expires, now)
	m.took(stepRepeatAnswer, began, err)
	return after, err
}
