package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// counts are what a login takes beside CPU: requests of the browser and the app, calls of BankID, events of the page, commits of the
// store, bytes that it hands to the kernel for files and connections and those that reach the disk, and what it allocates.
type counts struct {
	requests, calls, collects, frames float64
	commits, written, disk            float64
	allocations, allocated            float64
}

// fields are the counts in the order in which they are told.
func (c *counts) fields() []*float64 {
	return []*float64{&c.requests, &c.calls, &c.collects, &c.frames, &c.commits, &c.written, &c.disk, &c.allocations, &c.allocated}
}

// countNames name the fields.
var countNames = []string{
	"HTTP requests", "calls of BankID", "… collects among them", "frames of the QR code", "commits, each with two syncs",
	"bytes written to files and connections", "bytes written to the disk", "allocations", "bytes allocated",
}

func (c counts) since(before counts) counts {
	for i, field := range before.fields() {
		*c.fields()[i] -= *field
	}
	return c
}

func (c counts) each(n float64) counts {
	for _, field := range c.fields() {
		*field /= n
	}
	return c
}

// count reads what has been counted since everything started.
func (b *bench) count(ctx context.Context, s *server, frames int64) (c counts, err error) {
	c.requests, c.frames = float64(b.requests.Load()), float64(frames)
	c.calls, c.collects = float64(b.bankID.calls.Load()), float64(b.bankID.collects.Load())
	for _, one := range append(s.others[:len(s.others):len(s.others)], s) {
		if err := one.addWritten(&c); err != nil {
			return c, err
		}
	}
	metrics, err := b.metrics(ctx)
	if err != nil {
		return c, err
	}
	c.commits = metrics["brygga_store_commit_seconds_count"]
	c.allocations, c.allocated = metrics["go_memstats_mallocs_total"], metrics["go_memstats_alloc_bytes_total"]
	return c, nil
}

// addWritten adds what the process has written (proc(5): io).
func (s *server) addWritten(c *counts) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", s.Process.Pid))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		var n float64
		if found, _ := fmt.Sscanf(line, "wchar: %f", &n); found == 1 {
			c.written += n
		}
		if found, _ := fmt.Sscanf(line, "write_bytes: %f", &n); found == 1 {
			c.disk += n
		}
	}
	return nil
}

// metrics returns the values that the server shows its operators, the series of each summed up.
func (b *bench) metrics(ctx context.Context) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := b.browser.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	all := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, value, found := strings.Cut(lines.Text(), " ")
		var n float64
		if _, err := fmt.Sscan(value, &n); !found || err != nil || name == "#" {
			continue
		}
		name, _, _ = strings.Cut(name, "{")
		all[name] += n
	}
	return all, lines.Err()
}
