package web_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"brygga/storage"
)

// step is one thing that somebody does in a walk.
type step struct {
	do     string
	who    int // a browser, and the person whose device it is on
	page   int // the browser whose code is scanned or whose link is opened, or the tab of who's browser
	button int // which of the tab's buttons is pressed
	device string
	first  bool // a start by a page that has seen no order
	risk   string
	time   time.Duration // of a wait; how slow BankID is to answer a start
}

func (s step) String() string {
	return strings.TrimSpace(fmt.Sprint(s.do, " ", s.who, " ", s.page, " ", s.button, " ", s.device, " ", s.first, " ", s.risk, " ", s.time))
}

// setting is what a walk begins with: each browser's kind and address, and whether returns may be waived.
type setting struct {
	agents    [2]string
	addresses [2]string
	balanced  bool
}

// newWalk returns the walk of a seed.
func newWalk(seed uint64) (setting, []step) {
	r := rand.New(rand.NewPCG(seed, 0))
	agents := []string{windowsPC, iPhone, inApp, inApp}
	set := setting{addresses: [2]string{attackersAddress, victimsAddress}, balanced: r.IntN(3) == 0}
	for i := range set.agents {
		set.agents[i] = agents[r.IntN(len(agents))]
	}
	if r.IntN(6) == 0 || set.balanced && r.IntN(2) == 0 {
		set.addresses[1] = set.addresses[0]
	}
	w := walkMaker{r}
	plots := make([][]step, 2+r.IntN(3))
	for i := range plots {
		plots[i] = w.plot()
	}
	return set, w.mix(plots)
}

// walkMaker makes up what happens.
type walkMaker struct{ *rand.Rand }

func pick[T any](w walkMaker, from ...T) T { return from[w.IntN(len(from))] }

func (w walkMaker) start(browser int, device string) step {
	slow := time.Duration(pick(w, 0, 0, 0, 2, 6, 14, 18)) * time.Second
	return step{do: "start", who: browser, device: device, first: slow == 6*time.Second, time: slow}
}

func (w walkMaker) wait() step {
	return step{do: "wait", time: pick(w, 100*time.Millisecond, time.Second, 2500*time.Millisecond, 7*time.Second, 21*time.Second, 29*time.Second)}
}

// plot returns what somebody means to do: log in on either device, or with the help of a person who is sent the link or the code.
func (w walkMaker) plot() []step {
	browser, person := w.IntN(2), w.IntN(2)
	device, take := storage.DeviceThis, "open"
	if w.IntN(3) == 0 {
		device, take = storage.DeviceOther, "scan"
	}
	before := step{do: "wait", time: time.Millisecond}
	if w.IntN(4) == 0 { // the app has read what the page showed before it was renewed
		take, before.time = take+" before", 28100*time.Millisecond
	}
	plot := []step{
		w.start(browser, device), before, {do: take, who: person, page: browser}, {do: "approve", who: person, risk: pick(w, "low", "low", "low", "moderate", "")},
		{do: "wait", time: 2500 * time.Millisecond}, {do: "return", who: person}, {do: "done", who: browser},
	}
	if w.IntN(4) == 0 { // the app does not bring the person back
		plot = slices.Delete(plot, 5, 6)
	}
	return plot
}

// mix returns the plots at once, with what else occurs to people in between.
func (w walkMaker) mix(plots [][]step) (steps []step) {
	for len(plots) > 0 {
		if w.IntN(4) == 0 {
			tab := step{do: pick(w, "reload", "press"), who: w.IntN(2), page: w.IntN(2), button: w.IntN(6), time: pick(w, 0, 0, 0, 2*time.Second)}
			steps = append(steps, pick(w, tab, tab, w.wait(), w.wait(), w.start(w.IntN(2), pick(w, storage.DeviceThis, storage.DeviceOther)),
				step{do: pick(w, "cancel", "done", "return"), who: w.IntN(2)}, step{do: "crash"}))
			continue
		}
		i := w.IntN(min(2, len(plots)))
		steps, plots[i] = append(steps, plots[i][0]), plots[i][1:]
		if len(plots[i]) == 0 {
			plots = slices.Delete(plots, i, i+1)
		}
	}
	return steps
}
