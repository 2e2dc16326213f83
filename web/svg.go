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

// svgAttributes are the attributes that are kept. Those of names that begin with "on", and style, are refused; the rest is
// dropped.
var svgAttributes = words(`id viewBox width height preserveAspectRatio x y x1 y1 x2 y2 cx cy r rx ry fx fy d points transform
	pathLength fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-miterlimit
	stroke-dasharray stroke-dashoffset opacity color display visibility clip-path clip-rule clipPathUnits mask maskUnits
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
	s := svgWriter{in: in}
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
	return s.out.Bytes(), nil
}

// svgWriter is a picture that is being written anew.
type svgWriter struct {
	in                      *xml.Decoder
	out                     bytes.Buffer
	depth, elements, shapes int
	text                    bool // within title or desc
}

func (s *svgWriter) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return s.start(t)
	case xml.EndElement:
		s.depth--
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
	s.out.WriteString("<" + name)
	if s.depth == 1 {
		s.out.WriteString(` xmlns="` + svgSpace + `"`)
	}
	for _, a := range t.Attr {
		if err := s.attribute(a); err != nil {
			return err
		}
	}
	s.out.WriteByte('>')
	switch name {
	case "path", "rect", "circle", "ellipse", "line", "polyline", "polygon":
		s.shapes++
	}
	return nil
}

func (s *svgWriter) attribute(a xml.Attr) error {
	name := a.Name.Local
	if lower := strings.ToLower(name); strings.HasPrefix(lower, "on") || lower == "style" {
		return fmt.Errorf("attribute %s is not allowed: set fill and stroke as attributes of their own", name)
	}
	// Links have two spellings; both become the newer one.
	if a.Name.Space != "" && !(a.Name.Space == "http://www.w3.org/1999/xlink" && name == "href") || !svgAttributes[name] {
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
	s.out.WriteString(" " + name + `="`)
	if err := xml.EscapeText(&s.out, []byte(value)); err != nil {
		return err
	}
	s.out.WriteByte('"')
	return nil
}
