package web

import (
	"errors"
	"fmt"
	"strings"
)

// Limits on what a picture makes a browser draw. A short file can draw one shape over and over: ten uses in each of nine groups are a
// thousand million paths.
const (
	// maxSVGDrawn is how many bytes the picture may have once every reference is written out: sixteen of the longest that is served.
	maxSVGDrawn = 16 * maxServed
	// svgReferenceCost is how many bytes a reference counts for beside what it leads to, as a mask or a clip is a layer of its own.
	svgReferenceCost = 256
)

// svgNode is an element of a picture, as far as it says how much is drawn.
type svgNode struct {
	length   int // bytes of its tags as they are written
	refs     []string
	children []*svgNode
	cost     int
	state    svgState
}

type svgState int

const (
	svgUncounted svgState = iota
	svgCounting
	svgCounted
)

// errSVGCycle refuses a picture with an element that is drawn within itself.
var errSVGCycle = errors.New("an element refers to itself, or to what it stands in")

// drawn returns how many bytes the element has with its children and everything that it or they refer to, each time anew. It returns
// an error when that is without end or more than maxSVGDrawn.
func (n *svgNode) drawn(byID map[string]*svgNode) (int, error) {
	switch n.state {
	case svgCounting:
		return 0, errSVGCycle
	case svgCounted:
		return n.cost, nil
	}
	n.state = svgCounting
	n.cost = n.length + svgReferenceCost*len(n.refs)
	parts := n.children
	for _, id := range n.refs {
		if target := byID[id]; target != nil {
			parts = append(parts[:len(parts):len(parts)], target)
		}
	}
	for _, part := range parts {
		cost, err := part.drawn(byID)
		if err != nil {
			return 0, err
		}
		if n.cost += cost; n.cost > maxSVGDrawn {
			return 0, fmt.Errorf("with every reference written out there are more than %d bytes to draw: use fewer copies", maxSVGDrawn)
		}
	}
	n.state = svgCounted
	return n.cost, nil
}

// svgReferred returns the ID that a checked value refers to, "" for none.
func svgReferred(name, value string) string {
	if name == "href" {
		return strings.TrimPrefix(value, "#")
	}
	id, ok := strings.CutPrefix(value, "url(#")
	if !ok {
		return ""
	}
	return strings.TrimSuffix(id, ")")
}
