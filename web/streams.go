package web

import (
	"net"
	"slices"
	"sync"
	"time"
)

// streamsPerLogin is how many tabs of a login have streams; the others poll.
const streamsPerLogin = 4

// streams are the event streams that are open.
type streams struct {
	mu     sync.Mutex
	max    int
	all    int
	logins map[string][]*stream
}

func newStreams(max int) streams { return streams{max: max, logins: make(map[string][]*stream)} }

// enter counts one more stream of the login; it returns false when there are too many. Those that nobody reads any more make room.
func (s *streams) enter(id string, t *stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.logins[id]) >= streamsPerLogin {
		open := slices.DeleteFunc(s.logins[id], func(t *stream) bool { return t.conn != nil && hungUp(t.conn) })
		s.all -= len(s.logins[id]) - len(open)
		s.logins[id] = open
	}
	if s.all >= s.max || len(s.logins[id]) >= streamsPerLogin {
		return false
	}
	s.all++
	s.logins[id] = append(s.logins[id], t)
	return true
}

// leave counts the stream no more.
func (s *streams) leave(id string, t *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.logins[id], t)
	if i < 0 {
		return
	}
	s.all--
	if s.logins[id] = slices.Delete(s.logins[id], i, i+1); len(s.logins[id]) == 0 {
		delete(s.logins, id)
	}
}

// own gives the stream a connection of its own.
func (s *streams) own(t *stream, conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.conn = conn
}

// part leaves those who read no more only so long to take what is being written to them.
func (s *streams) part(within time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.logins {
		for _, t := range of {
			if t.conn != nil {
				_ = t.conn.SetWriteDeadline(time.Now().Add(within))
			}
		}
	}
}
