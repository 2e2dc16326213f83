package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/cmd/brygga/config"
	"brygga/secret"
	"brygga/web/api"
)

// The environment that says which server is asked, and with what. A key is no flag: everybody who lists processes would see it.
const (
	serverVariable  = "BRYGGA_SERVER"
	keyVariable     = "BRYGGA_API_KEY"
	keyFileVariable = "BRYGGA_API_KEY_FILE"
	rootsVariable   = "BRYGGA_CA_FILE"
)

// remoteFlags say which server is asked over its API.
type remoteFlags struct{ server, keyFile, roots string }

func (f *remoteFlags) add(cmd *cobra.Command, h *host) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.server, "server", variable(h, serverVariable), "`address` of a server that is asked over its API, such as https://admin.example.se (or "+serverVariable+")")
	flags.StringVar(&f.keyFile, "api-key-file", variable(h, keyFileVariable), "`file` with the key for the API (or "+keyFileVariable+", or the key itself in "+keyVariable+")")
	flags.StringVar(&f.roots, "ca-file", variable(h, rootsVariable), "`file` with the certificates that the server's must lead to, in PEM (or "+rootsVariable+")")
}

// maxKeyFile bounds the file of a key.
const maxKeyFile = 16 << 10

// open returns the operations of the server.
func (f *remoteFlags) open(h *host) (*api.Remote, error) {
	key := variable(h, keyVariable)
	if f.keyFile != "" {
		text, err := config.ReadFile(f.keyFile, maxKeyFile)
		if err != nil {
			return nil, fail(exitUsage, "name a file with a key that \"brygga apikey create\" has shown", "--api-key-file: %w", err)
		}
		key = string(text)
	}
	if key = strings.TrimSpace(key); key == "" {
		return nil, fail(exitUsage, "write it to a file and name that with --api-key-file, or set "+keyVariable+"; \"brygga apikey create\" makes one on the server", "%s asks for a key", f.server)
	}
	roots, err := certificates(f.roots)
	if err != nil {
		return nil, fail(exitUsage, "name a file with certificates in PEM", "--ca-file: %w", err)
	}
	remote, err := api.NewRemote(api.RemoteOptions{Server: f.server, Key: secret.New(key), Roots: roots, Agent: "brygga/" + buildVersion()})
	if err != nil {
		return nil, fail(exitUsage, "write the address at which the server listens for operators: https://HOST, or http://localhost:PORT", "--server: %w", err)
	}
	return remote, nil
}

// asked reports whether a server is to be asked over its API. One that the command line names goes before an installation that the environment names;
// both on the command line are a mistake.
func (f *whereFlags) asked(cmd *cobra.Command, h *host) (bool, error) {
	if f.server == "" || h.operator != nil {
		return false, nil
	}
	here := cmd.Flags().Changed("config") || cmd.Flags().Changed("data")
	if here && cmd.Flags().Changed("server") {
		return false, fail(exitUsage, "keep one of them", "--server and an installation of this machine are both given")
	}
	return !here, nil
}

// withOperations lets do work on the installation, or on the server that is asked over its API.
func withOperations(cmd *cobra.Command, h *host, where *whereFlags, do func(context.Context, operations) error) error {
	asked, err := where.asked(cmd, h)
	if err != nil {
		return err
	}
	if !asked {
		return withAdmin(cmd, h, where, func(ctx context.Context, s *admin.Service, actor admin.Actor) error { return do(ctx, local{s, actor}) })
	}
	remote, err := where.open(h)
	if err != nil {
		return err
	}
	return do(cmd.Context(), remote)
}

// onServer refuses a server that is asked over its API, for commands that work where the store is.
func (f *whereFlags) onServer(cmd *cobra.Command, h *host) error {
	asked, err := f.asked(cmd, h)
	if err == nil && asked {
		err = fail(exitUsage, "run it on the server", "%q cannot be done over the API", strings.TrimPrefix(cmd.CommandPath(), "brygga "))
	}
	return err
}

// classifyRemote returns the exit code of what a server has answered, and what helps.
func classifyRemote(err error) (code int, remedy string, is bool) {
	if errors.Is(err, api.ErrUntrusted) {
		return exitUnavailable, "no key was sent: look whether --server is written as its certificate has it, and for a certificate of your own name its authority with --ca-file", true
	}
	if errors.Is(err, api.ErrUnreachable) {
		return exitUnavailable, "look whether --server names what listens for operators (admin_listen), and for a certificate of your own name --ca-file", true
	}
	e, is := errors.AsType[*api.RemoteError](err)
	if !is {
		return 0, "", false
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return exitFailure, "give a key that works, from an address that it is for: see \"brygga apikey list\" on the server", true
	case http.StatusForbidden:
		return exitFailure, "give a key that may: \"brygga apikey create\" makes one on the server", true
	case http.StatusNotFound:
		return exitNotFound, "", true
	case http.StatusConflict, http.StatusPreconditionFailed:
		return exitConflict, "", true
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return exitUnavailable, "try again later", true
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType:
		return exitUsage, cmp.Or(remedyOf(e), "use the same brygga as the server"), true
	}
	return exitFailure, "look into the log of the server", true
}

// remedyOf returns what helps against the only thing that is wrong, empty for several: each has its own.
func remedyOf(e *api.RemoteError) string {
	if len(e.Problems) > 0 {
		return "nothing was changed"
	}
	return ""
}
