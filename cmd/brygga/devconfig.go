package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"brygga/cmd/brygga/config"
)

// watchEvery is how often the files of a development configuration are looked at: a saved file is there before anybody has turned to
// the browser.
const watchEvery = 250 * time.Millisecond

// devConfig is the configuration of a development installation: what the installation decides by itself, and what a file says of
// looks, texts, clients and policies. It reads the file again whenever that or a file it names has changed.
type devConfig struct {
	file string // "" for none
	own  config.Config
	out  io.Writer
	ask  chan os.Signal

	// testOnlyChange changes what is read; nil for nothing.
	testOnlyChange func(*config.Config)

	mu      sync.Mutex
	files   []string // those of the last good configuration
	fault   string   // of the last try, "" for none
	ignored []string
}

func newDevConfig(file string, own config.Config, out io.Writer) *devConfig {
	return &devConfig{file: file, own: own, out: out, ask: make(chan os.Signal, 1)}
}

// read returns the configuration as it stands.
func (d *devConfig) read() (*config.Config, *looks, error) {
	l, c := &looks{drafts: true}, &config.Config{}
	if d.file != "" {
		var ignored []string
		var err error
		if c, ignored, err = config.LoadDev(d.file, l.read, inspectOutbound, keepDemoClients); err != nil {
			return nil, nil, noConfiguration(d.file, err)
		}
		d.mu.Lock()
		d.files, d.ignored = namedFiles(c), ignored
		d.mu.Unlock()
	}
	if c.Simulate(d.own.NetID); c.NetID.Used() {
		if err := l.addNetID(&c.NetID); err != nil {
			return nil, nil, err
		}
	}
	c.Issuer, c.AdminListen, c.Data, c.MasterKey, c.BankID.Environment = d.own.Issuer, d.own.AdminListen, d.own.Data, d.own.MasterKey, d.own.BankID.Environment
	if c.Page.ServiceName == "" {
		c.Page.ServiceName = d.own.Page.ServiceName
	}
	if d.testOnlyChange != nil {
		d.testOnlyChange(c)
	}
	return c, l, nil
}

// keepDemoClients refuses clients of the configuration that would take the place of those which are there anyway.
func keepDemoClients(c *config.Config, f config.Findings) {
	for i, client := range c.Clients {
		if client.ID == demoClient || client.ID == demoPublicClient {
			f.Fault(fmt.Sprintf("clients[%d].id", i), fmt.Sprintf("%q is there in development anyway", client.ID), "choose another ID")
		}
	}
}

// namedFiles lists the files that a configuration names and that may be changed while it is used, directories included.
func namedFiles(c *config.Config) []string {
	files := []string{c.Page.StyleSheetFile, c.Page.BankIDLogoFile, c.Page.MessagesDirectory, c.Page.Brand.LogoFile}
	for i := range c.Methods {
		files = append(files, c.Methods[i].LogoFile)
	}
	for i := range c.Clients {
		files = append(files, c.Clients[i].Brand.LogoFile, c.Clients[i].JWKSFile, c.Clients[i].SecretFile)
	}
	return slices.DeleteFunc(files, func(file string) bool { return file == "" })
}

// watch asks for the configuration to be read again when a file of it has changed, and as long as it is wrong, until ctx is done.
func (d *devConfig) watch(ctx context.Context) {
	if d.file == "" {
		return
	}
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for seen := d.state(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if now := d.state(); now != seen || d.trouble() != "" {
			seen = now
			select {
			case d.ask <- syscall.SIGHUP:
			default: // it has been asked already
			}
		}
	}
}

// state tells one content of the files from another, by their times and sizes.
func (d *devConfig) state() string {
	d.mu.Lock()
	files := append([]string{d.file}, d.files...)
	d.mu.Unlock()
	var b strings.Builder
	for _, file := range files {
		all, err := filepath.Glob(filepath.Join(file, "*.yaml"))
		if err != nil {
			all = nil // no directory, but a name that looks like a pattern
		}
		for _, name := range append(all, file) {
			if info, err := os.Stat(name); err == nil {
				fmt.Fprintf(&b, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	return b.String()
}

// trouble returns what is wrong with the configuration as it stands, "" for nothing.
func (d *devConfig) trouble() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fault
}

// banner says what is taken from the file, in lines of the banner.
func (d *devConfig) banner() string {
	if d.file == "" {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	text := "  Configuration    " + d.file + "   read again when it is saved\n"
	if len(d.ignored) > 0 {
		text += fmt.Sprintf("\n  Not taken from %s: %s.\n", filepath.Base(d.file), strings.Join(d.ignored, ", "))
	}
	return text
}

// told says on the terminal what came of reading the configuration again, once for each fault.
func (d *devConfig) told(changed, waiting []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.fault
	d.fault = ""
	if err != nil {
		d.fault = err.Error()
	}
	name := filepath.Base(d.file)
	switch {
	case d.fault == before && err != nil:
	case err != nil:
		fmt.Fprintf(d.out, "%s is wrong. The last good one stays:\n  %s\n", name, strings.ReplaceAll(d.fault, "\n", "\n  "))
	case len(changed) > 0:
		fmt.Fprintf(d.out, "%s is taken over (%s). Reload the browser.\n", name, strings.Join(changed, ", "))
	case before != "":
		fmt.Fprintf(d.out, "%s is right again.\n", name)
	}
	if err == nil && len(waiting) > 0 && (len(changed) > 0 || before != "") {
		fmt.Fprintf(d.out, "  Waits for the next start: %s\n", strings.Join(waiting, ", "))
	}
}
