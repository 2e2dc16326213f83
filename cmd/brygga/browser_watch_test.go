package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// watch notes what a tab loads and what its console says. Anything from another host, anything that a page loads from
// another origin than its own, and every error, violated policies among them, is a fault.
type watch struct {
	origins []string // the only ones that a tab may go to

	mu      sync.Mutex
	allowed []string // parts of console messages that a test provokes
	faults  []string
	loads   []*load
	closed  bool
}

// load is one request of a tab. A redirect is a request of its own.
type load struct {
	id          network.RequestID
	method, url string
	kind        network.ResourceType
	status      int64
	bytes       float64 // over the wire, headers included
	finished    bool
}

// note is called with each event of the tab.
func (w *watch) note(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.request(e)
	case *network.EventResponseReceived:
		if l := w.last(e.RequestID); l != nil {
			l.status = e.Response.Status
		}
	case *network.EventLoadingFinished:
		if l := w.last(e.RequestID); l != nil {
			l.bytes, l.finished = e.EncodedDataLength, true
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning || e.Entry.Source == cdplog.EntrySourceSecurity {
			w.fault("%s: %s (%s)", e.Entry.Source, e.Entry.Text, withoutQuery(e.Entry.URL))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		w.fault("exception: %s", text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			w.fault("console.%s in the page", e.Type)
		}
	}
}

func (w *watch) request(e *network.EventRequestWillBeSent) {
	address := e.Request.URL
	w.loads = append(w.loads, &load{id: e.RequestID, method: e.Request.Method, url: address, kind: e.Type})
	if strings.HasPrefix(address, "data:") {
		return
	}
	from := slices.IndexFunc(w.origins, func(o string) bool { return strings.HasPrefix(address, o+"/") })
	switch {
	case from < 0:
		w.fault("third party: %s %s", e.Type, withoutQuery(address))
	case e.Type != network.ResourceTypeDocument && !strings.HasPrefix(e.DocumentURL, w.origins[from]+"/"):
		w.fault("%s loads %s %s", withoutQuery(e.DocumentURL), e.Type, withoutQuery(address))
	}
}

func (w *watch) last(id network.RequestID) *load {
	for _, l := range slices.Backward(w.loads) {
		if l.id == id {
			return l
		}
	}
	return nil
}

func (w *watch) fault(format string, values ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, values...))
}

// allow lets console messages pass that have one of the parts in them.
func (w *watch) allow(parts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.allowed = append(w.allowed, parts...)
}

// found returns the faults that were not allowed.
func (w *watch) found() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.faults), func(fault string) bool {
		return slices.ContainsFunc(w.allowed, func(part string) bool { return strings.Contains(fault, part) })
	})
}

// close ends the watch and returns what it found.
func (w *watch) close() []string {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	return w.found()
}

// requests returns the loads whose address begins with prefix.
func (w *watch) requests(prefix string) []load {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []load
	for _, l := range w.loads {
		if strings.HasPrefix(l.url, prefix) {
			all = append(all, *l)
		}
	}
	return all
}

// begin lets the watch see the tab's events.
func (w *watch) begin(ctx context.Context) error {
	if err := chromedp.Listen(ctx, w.note); err != nil {
		return err
	}
	return chromedp.Do(ctx, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Void{}, call(ctx, t, network.Enable, network.EnableParams{})
	})
}

func withoutQuery(address string) string {
	path, _, _ := strings.Cut(address, "?")
	return path
}

// lastLoads lists what a tab asked for last, pictures and the like left out.
func (w *watch) lastLoads() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for _, l := range w.loads[max(0, len(w.loads)-20):] {
		if l.kind == network.ResourceTypeDocument || l.kind == network.ResourceTypeEventSource || l.kind == network.ResourceTypeFetch {
			lines = append(lines, fmt.Sprintf("%s %s %d", l.method, withoutQuery(l.url), l.status))
		}
	}
	return strings.Join(lines, ", ")
}
