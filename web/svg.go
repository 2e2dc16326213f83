package web

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Limits on an SVG file.
const (
	maxSVGDepth    = 32
	maxSVGElements = 2000
)

const svgSpace = "http://www.w3.org/2000/svg"

// svgElements are the elements that a logo is drawn with. Others of SVG are refused, as the picture would be another without
// them; those of other vocabularies, which drawing programs leave, are dropped.
var svgElements = words(`svg g defs title desc path rect circle ellipse line polyline polygon linearGradient radialGradient stop
	clipPath mask symbol use`)

// svgDropped are elements of SVG that draw nothing.
var svgDropped = words("metadata")

// svgAttributes are the attributes that are kept. Those of names that begin with "on", style, and dashes, of which a short line can
// have millions, are refused; the rest is dropped.
var svgAttributes = words(`id viewBox width height preserveAspectRatio x y x1 y1 x2 y2 cx cy r rx ry fx fy d points transform
	fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-miterlimit opacity color display visibility clip-path clip-rule clipPathUnits mask maskUnits
	maskContentUnits gradientUnits gradientTransform spreadMethod offset stop-color stop-opacity href version`)

// svgValue is what an attribute may hold: numbers, names, colours, and references into the picture itself.
var (
	svgValue     = regexp.MustCompile(`^[\p{L}\p{N}\s#%.,()+\-_]*$`)
	svgReference = regexp.MustCompile(`^url\(#[A-Za-z_][\w.-]*\)$`)
	svgTarget    = regexp.MustCompile(`^#[A-Za-z_][\w.-]*$`)
)

func words(text string) map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(text) {
		all[word] = true
	}
	return all
}

// looksLikeSVG tells an SVG file from a picture of pixels, which holds zero bytes long before any markup.
func looksLikeSVG(file []byte) bool {
	head := bytes.TrimLeft(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")), " \t\r\n")
	return bytes.HasPrefix(head, []byte("<"))
}

// sanitizeSVG writes the picture anew with what the allow-lists hold. What could run, load or restyle anything is refused
// with its name and not taken out in silence.
func sanitizeSVG(file []byte) ([]byte, error) {
	in := xml.NewDecoder(bytes.NewReader(file))
	in.Entity = map[string]string{} // none beyond XML's own five
	s := svgWriter{in: in, byID: map[string]*svgNode{}, open: []*svgNode{{}}}
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = s.token(token)
		}
		if err != nil {
			line, _ := in.InputPos()
			return nil, fmt.Errorf("%w: SVG line %d: %w", ErrLogo, line, err)
		}
	}
	switch {
	case s.shapes == 0:
		return nil, fmt.Errorf("%w: the SVG file draws nothing", ErrLogo)
	case s.out.Len() > maxServed:
		return nil, fmt.Errorf("%w: the SVG file has %d bytes when cleaned, at most %d are served", ErrLogo, s.out.Len(), maxServed)
	}
	if _, err := s.open[0].drawn(s.byID); err != nil {
		return nil, fmt.Errorf("%w: the SVG file draws too much: %w", ErrLogo, err)
	}
	return s.out.Bytes(), nil
}

// svgWriter is a picture that is being written anew.
type svgWriter struct {
	in                      *xml.Decoder
	out                     bytes.Buffer
	depth, elements, shapes int
	text                    bool // within title or desc
	// open are the elements that stand around what comes next, below a node for the whole picture.
	open []*svgNode
	byID map[string]*svgNode // the first of that ID, which is the one that browsers take
}

func (s *svgWriter) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return s.start(t)
	case xml.EndElement:
		s.depth--
		s.open = s.open[:len(s.open)-1]
		s.text = false
		s.out.WriteString("</" + t.Name.Local + ">")
	case xml.CharData:
		if s.text {
			return xml.EscapeText(&s.out, t)
		}
	case xml.Directive:
		return errors.New("a document type can define entities: take it out")
	}
	return nil // comments and processing instructions are dropped
}

func (s *svgWriter) start(t xml.StartElement) error {
	name := t.Name.Local
	if s.depth == 0 && (name != "svg" || t.Name.Space != svgSpace || s.elements > 0) {
		return fmt.Errorf("the root is <%s>, and must be one <svg xmlns=%q>", name, svgSpace)
	}
	if t.Name.Space != svgSpace || svgDropped[name] {
		return s.in.Skip()
	}
	if !svgElements[name] {
		return fmt.Errorf("<%s> is not allowed: draw with paths and shapes, and set fill and stroke as attributes", name)
	}
	s.elements++
	s.depth++
	if s.depth > maxSVGDepth || s.elements > maxSVGElements {
		return fmt.Errorf("more than %d elements, or deeper than %d", maxSVGElements, maxSVGDepth)
	}
	s.text = name == "title" || name == "desc"
	if err := s.tag(t); err != nil {
		return err
	}
	switch name {
	case "path", "rect", "circle", "ellipse", "line", "polyline", "polygon":
		s.shapes++
	}
	return nil
}

// tag writes the start of an element that is allowed.
func (s *svgWriter) tag(t xml.StartElement) error {
	began, node := s.out.Len(), &svgNode{}
	parent := s.open[len(s.open)-1]
	parent.children = append(parent.children, node)
	s.open = append(s.open, node)
	s.out.WriteString("<" + t.Name.Local)
	if s.depth == 1 {
		s.out.WriteString(` xmlns="` + svgSpace + `"`)
	}
	seen := map[xml.Name]bool{}
	for _, a := range t.Attr {
		if seen[a.Name] {
			return fmt.Errorf("attribute %s stands twice, which browsers take for no XML", a.Name.Local)
		}
		seen[a.Name] = true
	}
	for _, a := range t.Attr {
		if a.Name == svgOldLink && seen[xml.Name{Local: "href"}] {
			continue // the newer spelling counts (SVG 2 §16.1.6)
		}
		if err := s.attribute(a, node); err != nil {
			return err
		}
	}
	s.out.WriteByte('>')
	node.length = s.out.Len() - began
	return nil
}

// svgOldLink is the older spelling of href.
var svgOldLink = xml.Name{Space: "http://www.w3.org/1999/xlink", Local: "href"}

func (s *svgWriter) attribute(a xml.Attr, node *svgNode) error {
	name := a.Name.Local
	switch lower := strings.ToLower(name); {
	case strings.HasPrefix(lower, "on"), lower == "style":
		return fmt.Errorf("attribute %s is not allowed: set fill and stroke as attributes of their own", name)
	case lower == "stroke-dasharray" && strings.TrimSpace(a.Value) != "none":
		return errors.New("attribute stroke-dasharray is not allowed: draw the dashes as paths of their own")
	}
	// Links have two spellings; both become the newer one.
	if a.Name.Space != "" && a.Name != svgOldLink || !svgAttributes[name] {
		return nil
	}
	value := strings.TrimSpace(a.Value)
	switch {
	case name == "href" && !svgTarget.MatchString(value):
		return errors.New("href leads out of the picture: a logo loads nothing")
	case name == "href", svgReference.MatchString(value):
	case !svgValue.MatchString(value) || strings.Contains(strings.ToLower(value), "url"):
		return fmt.Errorf("attribute %s holds what no logo needs", name)
	}
	if id := svgReferred(name, value); id != "" {
		node.refs = append(node.refs, id)
	} else if name == "id" && s.byID[value] == nil {
		s.byID[value] = node
	}
	s.out.WriteString(" " + name + `="`)
	if err := xml.EscapeText(&s.out, []byte(value)); err != nil {
		return err
	}
	s.out.WriteByte('"')
	return nil
}
