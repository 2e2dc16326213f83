package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"brygga/mail"
	"brygga/web/console"
)

// mailbox takes the mail of a development installation, where nothing is sent to anybody. The console shows it.
type mailbox struct {
	now func() time.Time

	mu  sync.Mutex
	all []console.Letter // the newest first
}

var (
	_ mail.Sender     = (*mailbox)(nil)
	_ console.Mailbox = (*mailbox)(nil)
)

// maxLetters is how many messages are kept.
const maxLetters = 100

// Send keeps the message.
func (m *mailbox) Send(_ context.Context, message *mail.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	letter := console.Letter{At: m.now(), To: message.To, Subject: message.Subject, Text: message.Text}
	m.all = slices.Insert(m.all, 0, letter)
	m.all = m.all[:min(len(m.all), maxLetters)]
	return nil
}

// Letters returns the messages, the newest first.
func (m *mailbox) Letters() []console.Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.all)
}
