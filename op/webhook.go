package op

import (
	"context"
	"net/http"

	"brygga/audit"
	"brygga/storage"
)

// What Options.Observe calls an attempt to tell a client's webhook of an order that has ended, and one that it will never be told of, after the last attempt.
const (
	EndpointWebhooks     = "order_webhook"
	EndpointWebhooksLost = "order_webhook_undelivered"
)

// delivery is how notices of a kind are delivered.
type delivery struct {
	attempt, lost          string // for Options.Observe
	delivered, undelivered audit.Type
	// address is where the client is told, empty for nowhere, and send tells it once.
	address func(*storage.Client) string
	send    func(*Provider, context.Context, *storage.Client, *storage.Notice) (outcome string, status int)
	object  func(*storage.Notice) string
}

var (
	logouts = delivery{
		EndpointNotices, EndpointUndelivered, audit.LogoutDelivered, audit.LogoutFailed,
		func(c *storage.Client) string { return c.BackchannelLogoutURI }, (*Provider).sendLogout, func(n *storage.Notice) string { return n.SessionID },
	}
	webhooks = delivery{
		EndpointWebhooks, EndpointWebhooksLost, audit.OrderTold, audit.OrderUntold,
		func(c *storage.Client) string { return c.WebhookURI }, (*Provider).sendWebhook, func(n *storage.Notice) string { return n.Order.LoginID },
	}
)

func deliveryOf(notice *storage.Notice) *delivery {
	if notice.Order != nil {
		return &webhooks
	}
	return &logouts
}

// sendWebhook posts the message once. Any status 2xx takes it, and 410 says that nobody wants it any more (Standard Webhooks, "Deliverability and
// reliability"); all others may do better later.
func (p *Provider) sendWebhook(ctx context.Context, client *storage.Client, notice *storage.Notice) (outcome string, status int) {
	if p.o.Webhook == nil {
		return noticeMoot, 0
	}
	header, body, err := p.o.Webhook(ctx, client, notice)
	if err != nil {
		p.fault(ctx, "make the message of a webhook", err)
		return noticeFault, 0
	}
	status, err = p.o.Outbound.Post(ctx, client.WebhookURI, header, body)
	switch outcome = deliveryOutcome(status, err); {
	case err != nil:
	case status >= 200 && status <= 299:
		outcome = noticeDelivered
	case status == http.StatusGone:
		outcome = noticeRefused
	default:
		outcome = noticeStatus
	}
	return outcome, status
}

// tellsOf reports whether the end of a program's login is told to its client's webhook, and lets Run do so at once when it is.
func (p *Provider) tellsOf(login *storage.Login) bool {
	if login.Request.Program == nil || !login.Request.Program.Told {
		return false
	}
	p.tellClients()
	return true
}
