package console

import (
	"fmt"
	"math"
	"strconv"
)

// chart is a picture of numbers over time or by kind, as bars that stand on each other, with the same numbers in a table below.
type chart struct {
	title string
	// first is the heading of the table's first column, in which the labels stand.
	first  string
	labels []string
	series []series
}

// series is one kind of number, with one value for each label. Tone is its colour: "accent", "good", "warning", "bad" or "muted".
type series struct {
	name, tone string
	values     []float64
	// line draws a line across the bars in place of bars, for what they are compared with.
	line bool
}

// The size of a chart in its own units, and of the margin in which the scale stands.
const (
	chartWidth  = 720
	chartHeight = 220
	chartLeft   = 48
	chartBottom = 28
	chartTop    = 12
)

// most is the top of the scale: a round number that no bar or line is above.
func (c chart) most() float64 {
	top := 0.0
	for i := range c.labels {
		sum := 0.0
		for _, s := range c.series {
			if s.line {
				top = max(top, s.at(i))
			} else {
				sum += s.at(i)
			}
		}
		top = max(top, sum)
	}
	return roundUp(top)
}

// roundUp returns the smallest of 1, 2, 5, 10, 20 … that is not below the value.
func roundUp(value float64) float64 {
	if value <= 1 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, step := range []float64{1, 2, 5} {
		if value <= step*power {
			return step * power
		}
	}
	return 10 * power
}

func (s series) at(i int) float64 {
	if i >= len(s.values) {
		return 0
	}
	return s.values[i]
}

// bar is one rectangle of a chart.
type bar struct {
	x, y, width, height string
	tone, title         string
}

func (c chart) bars() (all []bar) {
	most, slot := c.most(), float64(chartWidth-chartLeft)/float64(max(1, len(c.labels)))
	for i, label := range c.labels {
		base := float64(chartHeight - chartBottom)
		for _, s := range c.series {
			height := s.at(i) / most * (chartHeight - chartBottom - chartTop)
			if s.line || height <= 0 {
				continue
			}
			base -= height
			all = append(all, bar{
				x: decimal(chartLeft + float64(i)*slot + slot*.1), y: decimal(base), width: decimal(slot * .8), height: decimal(height),
				tone: s.tone, title: label + ", " + s.name + ": " + decimal(s.at(i)),
			})
		}
	}
	return all
}

// points are the corners of a series that is a line.
func (c chart) points(s series) (points string) {
	most, slot := c.most(), float64(chartWidth-chartLeft)/float64(max(1, len(c.labels)))
	for i := range c.labels {
		y := float64(chartHeight-chartBottom) - s.at(i)/most*(chartHeight-chartBottom-chartTop)
		points += fmt.Sprintf("%s,%s ", decimal(chartLeft+(float64(i)+.5)*slot), decimal(y))
	}
	return points
}

// tick is one line of the scale, at a whole number.
type tick struct{ y, text string }

func (c chart) ticks() (all []tick) {
	most := c.most()
	for _, part := range []float64{0, .5, 1} {
		if value := most * part; value != math.Trunc(value) {
			continue
		}
		y := float64(chartHeight-chartBottom) - part*(chartHeight-chartBottom-chartTop)
		all = append(all, tick{decimal(y), decimal(most * part)})
	}
	return all
}

// mark is a label below the bars: of many, only some have the room.
type mark struct{ x, text string }

func (c chart) marks() (all []mark) {
	slot := float64(chartWidth-chartLeft) / float64(max(1, len(c.labels)))
	every := max(1, int(math.Ceil(72/slot)))
	for i := 0; i < len(c.labels); i += every {
		all = append(all, mark{decimal(chartLeft + (float64(i)+.5)*slot), c.labels[i]})
	}
	return all
}

// decimal writes a number with at most two decimals.
func decimal(value float64) string {
	return strconv.FormatFloat(math.Round(value*100)/100, 'f', -1, 64)
}

// heads are the headings of the table.
func (c chart) heads() []string {
	heads := []string{c.first}
	for _, s := range c.series {
		heads = append(heads, s.name)
	}
	return heads
}
