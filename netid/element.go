package netid

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of an answer beside its length: those of the service have five levels and some thirty elements.
const (
	maxDepth    = 16
	maxElements = 256
)

// element is one element of an answer. Its text is all that stands directly in it.
type element struct {
	name     xml.Name
	text     strings.Builder
	children []*element
}

// parseXML reads an answer. It refuses document types and with them every entity beyond the five of XML, processing instructions, and what is
// deeper or wider than any answer: nothing is looked up, and nothing grows.
func parseXML(body []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	b := builder{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: no XML", ErrBadResponse) // the decoder's words quote the answer
		}
		if err := b.take(token); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadResponse, err)
		}
	}
	if b.root == nil || len(b.open) > 0 {
		return nil, fmt.Errorf("%w: no XML", ErrBadResponse)
	}
	return b.root, nil
}

// builder makes the tree of the tokens.
type builder struct {
	root  *element
	open  []*element
	count int
}

func (b *builder) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return b.begin(t.Name)
	case xml.EndElement:
		b.open = b.open[:len(b.open)-1]
	case xml.CharData:
		if len(b.open) > 0 {
			b.open[len(b.open)-1].text.Write(t)
		} else if len(bytes.TrimSpace(t)) > 0 {
			return errors.New("text outside of the document")
		}
	case xml.Directive:
		return errors.New("a document type")
	case xml.ProcInst:
		if t.Target != "xml" || b.root != nil {
			return errors.New("a processing instruction")
		}
	}
	return nil
}

func (b *builder) begin(name xml.Name) error {
	e := &element{name: name}
	b.count++
	switch {
	case b.count > maxElements, len(b.open) >= maxDepth:
		return errors.New("more elements than any answer has")
	case len(b.open) > 0:
		above := b.open[len(b.open)-1]
		above.children = append(above.children, e)
	case b.root != nil:
		return errors.New("a second document")
	default:
		b.root = e
	}
	b.open = append(b.open, e)
	return nil
}

// only returns the one child of e with that name, and an error when there is none or more than one.
func (e *element) only(space, local string) (*element, error) {
	found, err := e.optional(space, local)
	if err == nil && found == nil {
		err = fmt.Errorf("%w: no %s", ErrBadResponse, local)
	}
	return found, err
}

// optional is only, and nil for none. One that is there twice could be read in two ways.
func (e *element) optional(space, local string) (*element, error) {
	var found *element
	for _, child := range e.children {
		if child.name.Space != space || child.name.Local != local {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w: %s twice", ErrBadResponse, local)
		}
		found = child
	}
	return found, nil
}

// reader takes texts out of an element and keeps the first fault.
type reader struct {
	e   *element
	err error
}

// text returns the text of the child with that name in the service's namespace, "" for none.
func (r *reader) text(local string) string {
	child := r.inside(local).e
	if child == nil {
		return ""
	}
	return strings.TrimSpace(child.text.String())
}

// inside returns a reader of a child, which reads nothing when there is none.
func (r *reader) inside(local string) *reader {
	if r.e == nil || r.err != nil {
		return &reader{err: r.err}
	}
	child, err := r.e.optional(namespace, local)
	r.err = err
	return &reader{e: child, err: err}
}
