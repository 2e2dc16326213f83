package main

import (
	"context"
	"time"

	"brygga/storage"
)

func (m *measuredStore) RedeemCode(ctx context.Context, redemption storage.Redemption) (*storage.Grant, error) {
	began := time.Now()
	after, err := m.Store.RedeemCode(ctx, redemption)
	m.took(stepRedeemCode, began, err)
	return after, err
}

func (m *measuredStore) IssueToken(ctx context.Context, revision uint64, grant storage.Grant, token storage.AccessToken) error {
	began := time.Now()
	err := m.Store.IssueToken(ctx, revision, grant, token)
	m.took(stepIssueToken, began, err)
	return err
}

func (m *measuredStore) AccessToken(ctx context.Context, hash [32]byte, now time.Time) (*storage.AccessToken, *storage.Grant, error) {
	began := time.Now()
	first, second, err := m.Store.AccessToken(ctx, hash, now)
	m.took(stepAccessToken, began, err)
	return first, second, err
}

func (m *measuredStore) RefreshToken(ctx context.Context, hash [32]byte, now time.Time) (*storage.RefreshToken, *storage.Grant, error) {
	began := time.Now()
	first, second, err := m.Store.RefreshToken(ctx, hash, now)
	m.took(stepRefreshToken, began, err)
	return first, second, err
}

func (m *measuredStore) RotateRefreshToken(ctx context.Context, rotation storage.Rotation) (*storage.Rotated, error) {
	began := time.Now()
	after, err := m.Store.RotateRefreshToken(ctx, rotation)
	m.took(stepRotateRefreshToken, began, err)
	return after, err
}

func (m *measuredStore) RevokeGrant(ctx context.Context, id string, now time.Time, events ...storage.AuditEvent) error {
	began := time.Now()
	err := m.Store.RevokeGrant(ctx, id, now, events...)
	m.took(stepRevokeGrant, began, err)
	return err
}

func (m *measuredStore) Session(ctx context.Context, cookieHash [32]byte, now time.Time) (*storage.Session, error) {
	began := time.Now()
	after, err := m.Store.Session(ctx, cookieHash, now)
	m.took(stepSession, began, err)
	return after, err
}

func (m *measuredStore) AnswerFromSession(ctx context.Context, sessionID string, authTime time.Time, code storage.Code, grant storage.Grant, released []string, now time.Time, events ...storage.AuditEvent) error {
	began := time.Now()
	err := m.Store.AnswerFromSession(ctx, sessionID, authTime, code, grant, released, now, events...)
	m.took(stepAnswerFromSession, began, err)
	return err
}

func (m *measuredStore) EndSession(ctx context.Context, id string, now time.Time, tell ...storage.TellEnd) (storage.Ended, error) {
	began := time.Now()
	after, err := m.Store.EndSession(ctx, id, now, tell...)
	m.took(stepEndSession, began, err)
	return after, err
}

func (m *measuredStore) PushRequest(ctx context.Context, request storage.PushedRequest) error {
	began := time.Now()
	err := m.Store.PushRequest(ctx, request)
	m.took(stepPushRequest, began, err)
	return err
}

func (m *measuredStore) TakePushedRequest(ctx context.Context, hash [32]byte, clientID string, now time.Time) (*storage.PushedRequest, error) {
	began := time.Now()
	after, err := m.Store.TakePushedRequest(ctx, hash, clientID, now)
	m.took(stepTakePushedRequest, began, err)
	return after, err
}

func (m *measuredStore) UseOnce(ctx context.Context, key [32]byte, expires, now time.Time) error {
	began := time.Now()
	err := m.Store.UseOnce(ctx, key, expires, now)
	m.took(stepUseOnce, began, err)
	return err
}

func (m *measuredStore) ClaimNotices(ctx context.Context, now time.Time, limit int, retry func(attempts int) time.Duration) ([]storage.Notice, error) {
	began := time.Now()
	after, err := m.Store.ClaimNotices(ctx, now, limit, retry)
	m.took(stepClaimNotices, began, err)
	return after, err
}
