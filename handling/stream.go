package handling

import (
	"io"
	"net/http"
)

// Stream answers with what body writes. header is told of the first byte, before it goes out, and at the end of a body without any. What body
// returns before its first byte is returned, and nothing has been answered then; what it returns later breaks the connection off, so that
// nobody takes for whole what is not: broken is told of it, and Stream panics with [http.ErrAbortHandler].
func Stream(w http.ResponseWriter, header func(http.Header), body func(io.Writer) error, broken func(error)) error {
	s := &stream{to: w, header: header}
	err := body(s)
	switch {
	case err == nil:
		s.begin()
		return nil
	case !s.begun:
		return err
	}
	broken(err)
	panic(http.ErrAbortHandler)
}

// stream is the body of an answer that begins with its first byte.
type stream struct {
	to     http.ResponseWriter
	header func(http.Header)
	begun  bool
}

func (s *stream) begin() {
	if !s.begun {
		s.begun = true
		s.header(s.to.Header())
	}
}

// Write implements [io.Writer].
func (s *stream) Write(text []byte) (int, error) {
	s.begin()
	return s.to.Write(text)
}
