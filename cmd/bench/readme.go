package main

import (
	"fmt"
	"os"
	"strings"
)

// The table of README.md stands between these lines.
const (
	readmeBegin = "<!-- bench: written by \"go run ./cmd/bench -readme\" -->\n"
	readmeEnd   = "<!-- bench: end -->\n"
)

// writeReadme puts the figures between the markers of the file.
func writeReadme(name, figures string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	replaced, err := between(string(text), figures)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, []byte(replaced), 0o644)
}

// between returns the text with the figures in place of what stands between the markers.
func between(text, figures string) (string, error) {
	head, rest, found := strings.Cut(text, readmeBegin)
	_, tail, ended := strings.Cut(rest, readmeEnd)
	if !found || !ended {
		return "", fmt.Errorf("no lines %q and %q", strings.TrimSpace(readmeBegin), strings.TrimSpace(readmeEnd))
	}
	return head + readmeBegin + "\n" + strings.TrimSpace(figures) + "\n\n" + readmeEnd + tail, nil
}
