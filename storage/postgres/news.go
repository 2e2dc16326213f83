package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// news gathers what other processes shall hear of.
type news struct {
	mu     sync.Mutex
	ids    map[string]uint64 // with the revision
	soon   chan struct{}
	silent func() bool // when nobody would hear it
	echo   echo
}

// tell has the others told that the login has that revision.
func (n *news) tell(id string, revision uint64) {
	if n.silent() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids[id] = max(n.ids[id], revision)
	select {
	case n.soon <- struct{}{}:
	default:
	}
}

// maxPayload is how long a notification may be, in bytes (PostgreSQL: NOTIFY).
const maxPayload = 7900

// payloads returns what there is to tell, as payloads: each says who tells it, and what has changed.
func (n *news) payloads(node string) (payloads []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	text := node
	for id, revision := range n.ids {
		word := " " + id
		if id != allClients {
			word += ":" + strconv.FormatUint(revision, 10)
		}
		if len(text)+len(word) > maxPayload {
			payloads = append(payloads, text)
			text = node
		}
		text += word
	}
	clear(n.ids)
	if text != node {
		payloads = append(payloads, text)
	}
	return payloads
}

// notify sends the news, until ctx is done. A database that has no notifications leaves the others to their pulse.
func (s *Store) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.news.soon:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(newsEvery):
		}
		for _, payload := range s.news.payloads(s.node) {
			s.news.echo.tell()
			_, err := s.pool.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, payload)
			if err != nil {
				s.news.echo.forget()
			}
			if hasNone(err) {
				return
			}
		}
	}
}

// hasNone reports whether the database does not know what it was asked for.
func hasNone(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "42883" || pg.Code == "0A000" || pg.Code == "42601")
}

// listen hears the news of the others, until ctx is done.
func (s *Store) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.hear(ctx)
		if hasNone(err) {
			s.log.InfoContext(ctx, "the database has no notifications: other processes are heard of once a second")
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(pulseEvery):
		}
	}
}

func (s *Store) hear(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig.Copy())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return err
	}
	s.news.echo.forget() // what was told before nobody heard
	for deaf := false; ; {
		n, err := s.nextNews(ctx, conn)
		switch {
		case err != nil:
			return err
		case n == nil && !deaf:
			deaf = true
			s.log.WarnContext(ctx, "news of other processes do not arrive, who are heard of once a second: a pooler by transaction does not pass LISTEN on; name the database itself in postgres.dsn")
		case n != nil:
			deaf = false
			s.heard(n.Payload)
		}
	}
}

// deafAfter is how long our own news may take to come back.
const deafAfter = 10 * time.Second

// nextNews waits for a notification. It returns nil when our own have not come back for long.
func (s *Store) nextNews(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	for {
		waiting, cancel := context.WithTimeout(ctx, 2*pulseEvery)
		n, err := conn.WaitForNotification(waiting)
		late := waiting.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !late {
			return n, err
		}
		if s.news.echo.waiting() >= deafAfter {
			return nil, nil
		}
	}
}

// heard takes news, our own as well.
func (s *Store) heard(payload string) {
	from, words, _ := strings.Cut(payload, " ")
	if from == s.node {
		s.news.echo.hear()
		return
	}
	for word := range strings.FieldsSeq(words) {
		s.told(word)
	}
}

// told takes one word of another process's news.
func (s *Store) told(word string) {
	if word == allClients {
		s.clients.Clear()
		return
	}
	id, number, _ := strings.Cut(word, ":")
	revision, err := strconv.ParseUint(number, 10, 64)
	if err != nil { // a version before told no revisions
		revision = unknown
	}
	s.changed(id, revision)
}
