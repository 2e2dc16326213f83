package bankid

import "bytes"

// scanner reads a document from start to end. After the first fault it reads nothing more, so that callers need not ask
// after each step.
type scanner struct {
	doc []byte
	pos int
	err error
}

func (s *scanner) fail(check Check, reason string) {
	if s.err == nil {
		s.err = refused(check, reason)
	}
}

// rest is what has not been read; nothing after a fault.
func (s *scanner) rest() []byte {
	if s.err != nil {
		return nil
	}
	return s.doc[s.pos:]
}

// since returns what was read from a position on.
func (s *scanner) since(from int) []byte {
	if s.err != nil {
		return nil
	}
	return s.doc[from:s.pos:s.pos]
}

// skip reads text if it comes next, and reports whether it did.
func (s *scanner) skip(text string) bool {
	rest := s.rest()
	if len(rest) < len(text) || string(rest[:len(text)]) != text {
		return false
	}
	s.pos += len(text)
	return true
}

// literal reads what must come next.
func (s *scanner) literal(text string) {
	if !s.skip(text) {
		s.fail(CheckStructure, "the signature document has not the published form")
	}
}

// algorithm reads the name of the one algorithm that is accepted.
func (s *scanner) algorithm(name string) {
	if string(s.attribute()) != name {
		s.fail(CheckAlgorithm, "the signature document uses another algorithm")
	}
}

// attribute reads an attribute's value up to its closing quote.
func (s *scanner) attribute() []byte { return s.until('"', 256) }

// text reads an element's text up to the next tag. Comments, processing instructions and CDATA are then found to be no tag,
// and entities are not needed for anything that BankID puts here.
func (s *scanner) text(limit int) []byte { return s.until('<', limit) }

func (s *scanner) until(stop byte, limit int) []byte {
	rest := s.rest()
	n := bytes.IndexByte(rest, stop)
	if n < 0 || n > limit {
		s.fail(CheckStructure, "something in the signature document is too long or does not end")
		return nil
	}
	for _, c := range rest[:n] {
		if c < ' ' || c == '<' || c == '>' || c == '&' || c == 0x7f {
			s.fail(CheckStructure, "the signature document has markup or control characters where text belongs")
			return nil
		}
	}
	s.pos += n
	return rest[:n:n]
}

// atStartTag reports whether an element begins here.
func (s *scanner) atStartTag() bool {
	rest := s.rest()
	return len(rest) > 1 && rest[0] == '<' && letter(rest[1])
}

// name reads the name of an element or attribute, which has no prefix.
func (s *scanner) name() []byte {
	rest, n := s.rest(), 0
	for n < len(rest) && (letter(rest[n]) || n > 0 && nameByte(rest[n])) {
		n++
	}
	if n == 0 || n > 64 {
		s.fail(CheckStructure, "the signature document has a name that cannot be read")
		return nil
	}
	s.pos += n
	return rest[:n:n]
}

// endTag reads the end tag of an element.
func (s *scanner) endTag(name []byte) {
	s.literal(`</`)
	if !bytes.HasPrefix(s.rest(), name) {
		s.fail(CheckStructure, "an element of the signature document does not end")
		return
	}
	s.pos += len(name)
	s.literal(`>`)
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func nameByte(c byte) bool { return '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' }

// end demands that everything has been read.
func (s *scanner) end() {
	if s.err == nil && s.pos != len(s.doc) {
		s.fail(CheckStructure, "something follows the signature document")
	}
}
