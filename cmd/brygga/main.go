// Command brygga is an OpenID Connect provider that logs people in with BankID.
//
// It owns commands, flags and configuration, builds the parts and connects them, listens, and shuts down. It must not know a
// rule of any protocol: those are in the parts.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], &host{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}))
}
