package templates

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Stencils render pages from bytes that were prepared: what all logins of a client have in common in one language and state is rendered
// once, with holes where the values of one login stand, and these are filled in for each. A stencil is rendered from marks in place of
// such values, and whatever is no hole tells it from others: so nothing of one login can come into the page of another.
//
// Its methods may be called concurrently.
type Stencils struct {
	limit int
	marks marks

	mu    sync.RWMutex
	all   map[stencilKey]*stencil
	bytes int
}

// NewStencils returns stencils that take about so many bytes of memory at most. When there are more, some of them make room.
func NewStencils(limit int) *Stencils {
	return &Stencils{limit: limit, marks: newMarks(), all: make(map[stencilKey]*stencil)}
}

// Document appends to w what [Document] renders. Its error is that of rendering, which for views of this package means that ctx ended.
func (s *Stencils) Document(ctx context.Context, w *bytes.Buffer, p Page, v View) error {
	st, at, err := s.of(p, v, true)
	if st == nil || err != nil {
		return Document(p, v).Render(ctx, w)
	}
	w.Grow(len(st.html) + st.room(at))
	w.Write(st.fill(w.AvailableBuffer(), at))
	return nil
}

// Update returns what [NewUpdate] does, with the same errors.
func (s *Stencils) Update(ctx context.Context, p Page, v View) (Update, error) {
	u := NewTick(v)
	st, at, err := s.of(p, undrawn(v), false)
	if st == nil || err != nil {
		return NewUpdate(ctx, p, v)
	}
	buffer := updates.Get().(*[]byte)
	*buffer = st.fill((*buffer)[:0], at)
	u.Title, u.HTML = st.title, string(*buffer)
	clear(*buffer) // it may hold a launch link
	updates.Put(buffer)
	return u, nil
}

// updates are buffers for the HTML of updates.
var updates = sync.Pool{New: func() any { return new([]byte) }}

// stencilKey tells stencils apart: by all that they are rendered from, which is marks where there are holes. Its fields are exported
// for [ownTexts].
type stencilKey struct {
	Page  Page
	View  View
	Whole bool // the document, else its main part
}

// of returns the stencil of a page and what stands in its holes, or nil for one that cannot be prepared.
func (s *Stencils) of(p Page, v View, whole bool) (*stencil, *values, error) {
	view, ok := v.(molded)
	if !ok || !plainPath(p.BasePath) {
		return nil, nil, nil
	}
	at := &values{base: p.BasePath, reference: p.Reference}
	key := stencilKey{Page: p.mold(&s.marks), View: view.mold(&s.marks, at), Whole: whole}
	s.mu.RLock()
	st := s.all[key]
	s.mu.RUnlock()
	if st != nil {
		return st, at, nil
	}
	st, err := s.cut(key)
	if err == nil {
		s.keep(key, st)
	}
	return st, at, err
}

// cut renders a stencil.
func (s *Stencils) cut(key stencilKey) (*stencil, error) {
	render := Fragment
	if key.Whole {
		render = Document
	}
	var html bytes.Buffer
	if err := render(key.Page, key.View).Render(context.Background(), &html); err != nil {
		return nil, fmt.Errorf("render stencil %q: %w", key.View.Key(), err)
	}
	st := s.marks.split(html.String())
	st.title = Title(key.Page, key.View)
	return st, nil
}

// keep keeps a stencil. Its key must not hold on to the requests that its texts may have been cut from.
func (s *Stencils) keep(key stencilKey, st *stencil) {
	key = ownTexts(reflect.ValueOf(key)).Interface().(stencilKey)
	size := st.bytes()
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > s.limit || s.all[key] != nil {
		return
	}
	for other, leaves := range s.all {
		if s.bytes+size <= s.limit {
			break
		}
		s.bytes -= leaves.bytes()
		delete(s.all, other)
	}
	s.all[key] = st
	s.bytes += size
}

// bytes is about what a stencil and its key take in memory. Half of what it has in HTML is more than what that is compressed.
func (st *stencil) bytes() int { return len(st.html)*3/2 + 2<<10 }

// plainPath reports whether a path stands in HTML and in addresses as it is.
func plainPath(path string) bool {
	for i, b := range []byte(path) {
		switch {
		case b == '/' && (i == 0 || path[i-1] != '/'):
		case i > 0 && (b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_'):
		default:
			return false
		}
	}
	return path != "/"
}

// undrawn returns a view without the drawing of its code, which the script makes from the update's own bits.
func undrawn(v View) View {
	if q, ok := v.(QRWait); ok {
		q.Frame.Bits = ""
		return q
	}
	return v
}

// ownTexts returns a copy of a struct with copies of the texts in its exported fields, through what they embed or hold.
func ownTexts(v reflect.Value) reflect.Value {
	own := reflect.New(v.Type()).Elem()
	own.Set(v)
	for i := range own.NumField() {
		field := own.Field(i)
		switch {
		case !field.CanSet():
		case field.Kind() == reflect.String:
			field.SetString(strings.Clone(field.String()))
		case field.Kind() == reflect.Struct:
			field.Set(ownTexts(field))
		case field.Kind() == reflect.Interface && !field.IsNil() && field.Elem().Kind() == reflect.Struct:
			field.Set(ownTexts(field.Elem()))
		}
	}
	return own
}

// newMarks returns marks that stand nowhere else: they have 130 random bits in common.
func newMarks() marks {
	m := marks{common: "hole" + rand.Text()}
	for h := range holes {
		m.each[h] = prefixes[h] + m.common + string(rune('a'+h))
	}
	return m
}
