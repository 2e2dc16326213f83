package main

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"brygga/bankid/bankidsim"
	"brygga/cmd/brygga/config"
)

func newDevCommand(h *host) *cobra.Command {
	o := devOptions{now: time.Now}
	var level string
	var calm, open bool
	cmd := &cobra.Command{
		Use: "dev", Short: "Run everything on this machine, with a simulated BankID", Args: cobra.NoArgs,
		Long: "Run the provider, a demo app and a simulated BankID with a virtual phone on this machine, with no set-up. Nobody else can\n" +
			"reach them, and nobody is really identified. The ports follow each other:\n\n" +
			"  port    the provider, whose issuer is http://localhost:PORT, or https with --tls\n  port+1  the demo app\n  port+2  the virtual phone and its control API\n" +
			"  port+3  the BankID API of the simulator, with mutual TLS\n  port+4  health and metrics\n" +
			"  port+5  the virtual card app and port+6 the web service of a simulated Net iD Access, with --netid\n\n" +
			"What it stores is in brygga-data below the current directory, or where --data says, and may be removed.\n\n" +
			"With --tls, provider, demo app and phone use https, with certificates of an authority that is made for this machine alone and kept\n" +
			"in the data directory as " + devCAFile + ". Let browsers and apps trust that file.\n\n" +
			"--config names a configuration, also one for production: looks, texts, clients and what logins must meet are taken from it, and\n" +
			"again whenever it or a file that it names is saved. \"brygga help looks\" tells more.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !calm {
				o.chaos = bankidsim.MildChaos()
			}
			if !oneOf(level, "debug", "info", "warn", "error") {
				return fail(exitUsage, "write debug, info, warn or error", "--log-level %q is none of its values", level)
			}
			o.log = newLogs(h, config.Log{Level: level, Format: "text"}).log
			slog.SetDefault(o.log) // libraries log there
			tuneMemory(h, o.log)
			ctx, stop := untilSignal(cmd.Context(), syscall.SIGHUP)
			defer stop()
			o.out = h.out
			d, err := startDev(ctx, o)
			if err != nil {
				return err
			}
			d.banner(h.out)
			if open {
				if err := openBrowser(d.DemoURL + "/"); err != nil {
					o.log.WarnContext(ctx, "no browser could be opened", "address", d.DemoURL+"/", "err", err)
				}
			}
			return d.wait()
		},
	}
	cmd.Flags().IntVar(&o.port, "port", 8080, "port of the provider; the four after it are used too")
	cmd.Flags().StringVar(&o.data, "data", "brygga-data", "`directory` that keeps keys and logins from one start to the next")
	cmd.Flags().StringVar(&o.host, "listen", "localhost", "`address` to listen on: localhost, 127.0.0.1 or ::1")
	cmd.Flags().BoolVar(&open, "open", false, "open the demo app in the browser")
	cmd.Flags().StringVar(&o.config, "config", "", "`file` with looks, texts, clients and policies, read again when it is saved")
	cmd.Flags().BoolVar(&o.tls, "tls", false, "https, with certificates of an authority that is kept in the data directory")
	cmd.Flags().BoolVar(&calm, "no-chaos", false, "a BankID without delays and surprises")
	cmd.Flags().BoolVar(&o.netid, "netid", false, "Net iD too: people choose between BankID and cards of a simulated Net iD Access")
	cmd.Flags().StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

func oneOf(word string, words ...string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

// banner tells where to begin, and what runs where.
func (d *devInstance) banner(w io.Writer) {
	data, err := filepath.Abs(d.data)
	if err != nil {
		data = d.data
	}
	authority := ""
	if d.ca != nil {
		authority = "  Trust            " + filepath.Join(data, devCAFile) + "   the authority of these addresses\n"
	}
	fmt.Fprintf(w, `
  brygga runs. Only this machine can reach it, and nobody is really identified.

  Demo app         %s/   <- begin here: log in, open the phone, see what the app got

  Virtual phone    %s/
%s  Console          %s/admin/
%s  Its mail         %s/admin/mailbox
  All pages        %s/preview
  Metrics          %s/metrics
  BankID's API     %s

  Your own app     issuer        %s
                   client        demo, secret demo-secret; or demo-public with PKCE
                   redirect URI  http://127.0.0.1:ANY-PORT/callback, or %s/callback

  Data             %s
%s%s
  Ctrl-C ends it.
`, d.DemoURL, d.PhoneURL, d.cardApp(), d.AdminURL, d.firstLink(), d.AdminURL, d.Issuer, d.AdminURL, d.BankIDURL, d.Issuer, d.DemoURL, data, authority, d.config.banner())
}

// firstLink is a line with the link that makes the first account of the console, as long as nobody has one.
func (d *devInstance) firstLink() string {
	if d.link.Address.IsZero() {
		return ""
	}
	return "                   This link makes you its owner, once:\n                   " + d.link.Address.Reveal() + "\n"
}
