package templates

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"
)

// hole is a place of a stencil where a value of one login stands.
type hole int

const (
	holeBase      hole = iota // the path of the login's page
	holeReference             // the word to tell support
	holeSeconds               // the time left
	holeCode                  // the drawing of the QR code
	holeLaunch                // the link that opens the app
	holeName                  // what the app shows: who asks
	holeText                  // and for what
	holes
)

// prefixes make marks that pass for what they stand for.
var prefixes = [holes]string{holeBase: "/", holeLaunch: "bankid:"}

// values are what stands in the holes of one page.
type values struct {
	base, reference string
	seconds         int
	frame           Frame
	launch          templ.SafeURL
	name, text      string
}

// append appends what stands in a hole, as HTML.
func (at *values) append(to []byte, h hole) []byte {
	switch h {
	case holeBase:
		return append(to, at.base...)
	case holeReference:
		return append(to, templ.EscapeString(at.reference)...)
	case holeSeconds:
		return strconv.AppendInt(to, int64(max(at.seconds, 0)), 10)
	case holeCode:
		return appendQRPath(to, at.frame.Bits, at.frame.Size)
	case holeLaunch:
		return append(to, templ.EscapeString(string(at.launch))...)
	case holeName:
		return append(to, templ.EscapeString(at.name)...)
	case holeText:
		return append(to, templ.EscapeString(at.text)...)
	}
	return to
}

// marks stand in the holes while a stencil is made. Each begins as what it stands for does, and ends with a letter of its own.
type marks struct {
	common string
	each   [holes]string
}

// split returns the stencil of what was rendered with marks.
func (m *marks) split(html string) *stencil {
	st := &stencil{}
	var pieces bytes.Buffer
	for {
		before, rest, found := strings.Cut(html, m.common)
		if !found {
			pieces.WriteString(before)
			st.html = pieces.Bytes()
			return st
		}
		h := hole(rest[0] - 'a')
		pieces.WriteString(strings.TrimSuffix(before, prefixes[h]))
		st.holes = append(st.holes, cutHole{pieces.Len(), h})
		html = rest[1:]
	}
}

// stencil is a rendered page, or its main part, without what stands in its holes.
type stencil struct {
	title string
	html  []byte
	holes []cutHole
	// packed are the pieces compressed, once that is asked for, for values of those sizes; nil where that cannot be done.
	once   sync.Once
	packed [][]byte
	sizes  [packedHoles]int
}

// cutHole is a hole before a byte of the HTML.
type cutHole struct {
	before int
	hole   hole
}

// fill appends the page with those values.
func (st *stencil) fill(to []byte, at *values) []byte {
	from := 0
	for _, h := range st.holes {
		to = append(to, st.html[from:h.before]...)
		to = at.append(to, h.hole)
		from = h.before
	}
	return append(to, st.html[from:]...)
}

// room is about how many bytes the values take.
func (st *stencil) room(at *values) int {
	n := len(st.holes) * (16 + len(at.base))
	for _, h := range st.holes {
		switch h.hole {
		case holeCode:
			n += at.frame.Size * at.frame.Size * 6
		case holeLaunch:
			n += len(at.launch)
		case holeName, holeText:
			n += len(at.name) + len(at.text)
		}
	}
	return n
}

// molded are views that can be prepared: mold returns the view with marks in place of what differs from login to login, and fills in
// what that was.
type molded interface {
	View
	mold(m *marks, at *values) View
}

func (p Page) mold(m *marks) Page {
	if p.BasePath != "" {
		p.BasePath = m.each[holeBase]
	}
	if p.Reference != "" {
		p.Reference = m.each[holeReference]
	}
	return p
}

func (v Choose) mold(*marks, *values) View   { return v }
func (v Starting) mold(*marks, *values) View { return v }
func (v Complete) mold(*marks, *values) View { return v }
func (v Failed) mold(*marks, *values) View   { return v }
func (v Notice) mold(*marks, *values) View   { return v }

func (v QRWait) mold(m *marks, at *values) View {
	v.Left, v.Frame = v.Left.mold(m, at), v.Frame.mold(m, at)
	return v
}

func (v AppWait) mold(m *marks, at *values) View {
	at.launch = launch(v.LaunchURL)
	v.LaunchURL = m.each[holeLaunch]
	v.Left = v.Left.mold(m, at)
	if !v.draws() {
		v.Shown = Shown{}
	}
	v.Shown = v.Shown.mold(m, at)
	return v
}

func (v Progress) mold(m *marks, at *values) View {
	v.Left = v.Left.mold(m, at)
	if v.step() != StepConfirm {
		v.Shown = Shown{}
	}
	v.Shown = v.Shown.mold(m, at)
	return v
}

// mold keeps whether the last minute has begun, in which the time is told in words.
func (l Left) mold(m *marks, at *values) Left {
	at.seconds = l.Seconds
	l.mark = m.each[holeSeconds]
	if l.Seconds = 0; at.seconds >= lastMinute {
		l.Seconds = lastMinute
	}
	return l
}

func (f Frame) mold(m *marks, at *values) Frame {
	at.frame = f
	return Frame{Size: f.Size, mark: m.each[holeCode]}
}

// mold keeps whether it is known what the app shows.
func (s Shown) mold(m *marks, at *values) Shown {
	at.name, at.text = s.Name, s.excerpt()
	if at.name == "" || at.text == "" {
		return Shown{}
	}
	return Shown{Name: m.each[holeName], Text: m.each[holeText]}
}
