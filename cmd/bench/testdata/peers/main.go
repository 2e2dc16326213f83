// Command peers runs one OpenID provider by others, for command bench to compare with: the example provider of zitadel/oidc, which keeps
// everything in memory, and Dex over its memory store with the connector that logs everybody in. They stand in a module of their own,
// so that brygga depends on none of it, and run as their own programs set them up but for what they log.
package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// run serves a provider until the process is ended. The arguments are its name, host and port, where the one app is called back, and
// the app's ID and secret; for Dex the directory of its pages too.
func run(args []string) error {
	if len(args) < 5 {
		return fmt.Errorf("want PROVIDER ADDRESS REDIRECT_URI CLIENT_ID CLIENT_SECRET, not %q", args)
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	a := app{redirectURI: args[2], id: args[3], secret: args[4]}
	handler, err := provider(args[0], "http://"+args[1], a, args[5:])
	if err != nil {
		return err
	}
	return http.ListenAndServe(args[1], handler)
}

// app is the one client.
type app struct{ redirectURI, id, secret string }

func provider(name, issuer string, a app, rest []string) (http.Handler, error) {
	switch {
	case name == "zitadel-es256":
		return zitadel(issuer, a, true)
	case name == "zitadel-rs256":
		return zitadel(issuer, a, false)
	case name == "dex" && len(rest) == 1:
		return dex(issuer, a, rest[0])
	}
	return nil, fmt.Errorf("no provider %q with arguments %q", name, rest)
}
