// Command conformance checks an OpenID provider from outside and prints a table of what it found. Without an issuer it builds and
// starts a brygga of its own. It exits with 1 when a check failed, and with 2 when it could not begin.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"brygga/conformance"
)

func main() {
	issuer := flag.String("issuer", "", "issuer `URL`; empty starts a brygga and its simulator")
	file := flag.String("config", "", "`file` that says which clients are registered and how to log in")
	binary := flag.String("brygga", "", "the brygga `program` to start; empty builds it")
	keep := flag.String("keep", "", "start brygga in this `directory` and leave its files there")
	only := flag.String("only", "", "run checks whose name, such as basic/nonce-echo, begins with one of these, separated by commas")
	workers := flag.Int("parallel", 24, "checks at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, source{*issuer, *file, *binary, *keep}, *only, *workers)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	case failed > 0:
		os.Exit(1)
	}
}

// source says which provider is checked.
type source struct{ issuer, file, binary, keep string }

func run(ctx context.Context, from source, only string, workers int) (failed int, err error) {
	cfg, stop, err := from.provider(ctx)
	if err != nil {
		return 0, err
	}
	defer stop()
	runner, err := conformance.Open(ctx, cfg, conformance.Options{})
	if err != nil {
		return 0, err
	}
	defer runner.Close()
	suites := conformance.Suites(cfg)
	if only != "" {
		suites = conformance.Select(suites, strings.Split(only, ","))
	}
	results := runner.Run(ctx, suites, workers)
	if len(results) == 0 {
		return 0, fmt.Errorf("--only %s names no check", only)
	}
	return conformance.Report(os.Stdout, results), nil
}

// provider returns the configuration of the provider that is to be checked, and what to do afterwards.
func (s source) provider(ctx context.Context) (*conformance.Config, func(), error) {
	if s.file != "" {
		cfg, err := conformance.ReadConfig(s.file)
		if err == nil && s.issuer != "" {
			cfg.Issuer = s.issuer
		}
		return cfg, func() {}, err
	}
	if s.issuer != "" {
		return nil, nil, errors.New("--issuer needs --config: the clients that are registered there")
	}
	dir, clean := s.keep, func() {}
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "brygga-conformance"); err != nil {
			return nil, nil, err
		}
		clean = func() { os.RemoveAll(dir) }
	}
	b, err := conformance.StartBrygga(ctx, dir, s.binary)
	if err != nil {
		clean()
		return nil, nil, err
	}
	return b.Config, func() {
		if err := b.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "conformance: brygga complained:", err)
		}
		clean()
	}, nil
}
