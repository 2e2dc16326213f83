package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/cmd/brygga/config"
	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/storage"
)

// registrars returns what registers us at the service, none where there is no Net iD Access.
func (n *netIDService) registrars() map[string]admin.Registrar {
	if n == nil {
		return nil
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(n.certificates)), func(name string) bool { return name == "" })
	return map[string]admin.Registrar{netidlogin.Name: {Certificates: names, Register: n.register}}
}

// lateRegistrars are the same for commands: what speaks to the service is made when it is needed.
func lateRegistrars(c *config.Config) map[string]admin.Registrar {
	if !c.NetID.Used() {
		return nil
	}
	register := func(ctx context.Context, r admin.Registration) (admin.Registered, error) {
		parts, err := netIDFrom(c)
		if err != nil {
			return admin.Registered{}, err
		}
		service, err := parts.open(slog.New(slog.DiscardHandler))
		if err != nil {
			return admin.Registered{}, err
		}
		defer service.close()
		return service.register(ctx, r)
	}
	return map[string]admin.Registrar{netidlogin.Name: {Certificates: c.NetID.CertificateNames(), Register: register}}
}

// registrationFaults are the codes of what package netid finds wrong with a registration.
var registrationFaults = map[string]string{
	netid.ReasonName: "name", netid.ReasonBytes: "image.bytes", netid.ReasonFormat: "image.format", netid.ReasonPixels: "image.pixels", netid.ReasonBroken: "image.broken",
}

func (n *netIDService) register(ctx context.Context, r admin.Registration) (admin.Registered, error) {
	api := n.apis[r.Certificate]
	if api == nil {
		return admin.Registered{}, &admin.RegistrationError{Field: "certificate", Problem: fmt.Sprintf("%q is none of ours for Net iD Access", r.Certificate), Code: "certificate"}
	}
	answer, err := api.Register(ctx, netid.Registration{Name: r.Name, Image: r.Image})
	if wrong, ok := errors.AsType[*netid.InvalidRequestError](err); ok {
		return admin.Registered{}, &admin.RegistrationError{Field: wrong.Field, Problem: wrong.Reason, Code: registrationFaults[wrong.Reason]}
	}
	return admin.Registered{Service: answer.Provider.Name, Version: answer.Provider.Version, Name: answer.Caller.Name, ID: answer.Caller.ID}, err
}

// The flags of a picture: the second carries the content of the first's file to a running server, which reads no files of its callers.
const (
	imageFlag     = "image"
	imageDataFlag = "image-data"
)

func newNetIDRegister(h *host) *cobra.Command {
	var where whereFlags
	var r admin.Registration
	var image, data, output string
	cmd := &cobra.Command{
		Use: "register", Short: "Tell Net iD Access by what name and picture its app is to show us", Args: cobra.NoArgs,
		Long: "Tell Net iD Access by what name and picture, a PNG of at most 16 kB, its app is to show people who asks them, and in what\n" +
			"format it is to sign (netid.signature_format). It knows us by our certificate, so that each further one has its own name.\n" +
			"Until then the app shows a dummy, and some services refuse orders. What is registered takes the place of what was before.",
		Example: "  brygga netid register --config /etc/brygga/config.yaml --name \"Region Prov\" --image logo.png",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := checkOutput(output); err != nil {
				return err
			}
			if err := readImage(h, image, &data); err != nil {
				return err
			}
			if r.Image, err = base64.StdEncoding.DecodeString(data); err != nil {
				return fail(exitUsage, "give --image FILE", "--image-data: %w", err)
			}
			return withOperations(cmd, h, &where, func(ctx context.Context, s operations) error {
				answer, err := s.Register(ctx, netidlogin.Name, r)
				if err != nil {
					return explainRegistration(err)
				}
				return showService(h, answer, output)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.Name, "name", "", "`name` that the app shows, at most 100 characters")
	flags.StringVar(&image, imageFlag, "", "`file` with the picture that it shows, a PNG of at most 16 kB")
	flags.StringVar(&data, imageDataFlag, "", "")
	flags.Lookup(imageDataFlag).Hidden = true
	flags.StringVar(&r.Certificate, "certificate", "", "`name` of one of netid.certificates; the default one if left out")
	outputFlag(cmd, &output)
	where.add(cmd, h)
	return cmd
}

// readImage reads the picture's file and puts its content into the arguments that a running server may get.
func readImage(h *host, file string, data *string) error {
	switch {
	case *data != "":
		return nil
	case file == "":
		return fail(exitUsage, "give a PNG of at most 16 kB", "--image is missing")
	case h.operator != nil:
		return fail(exitUsage, "use the same brygga as the server", "--image names a file that is not the server's to read")
	}
	content, err := readLookFile(file)
	if err != nil {
		return fail(exitUsage, "give a PNG of at most 16 kB", "--image: %w", err)
	}
	*data = base64.StdEncoding.EncodeToString(content)
	h.args = replaceFlag(h.args, imageFlag, imageDataFlag+"="+*data)
	return nil
}

// explainRegistration adds what can be done about an error.
func explainRegistration(err error) error {
	if wrong, ok := errors.AsType[*admin.RegistrationError](err); ok {
		return fail(exitUsage, "nothing was sent; see --help", "--%s %s", wrong.Field, wrong.Problem)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return fail(exitNotFound, "\"brygga config example\" shows the section netid", "there is no Net iD Access here")
	}
	if _, ok := errors.AsType[*admin.ServiceError](err); ok {
		return fail(exitUnavailable, "\"brygga netid check\" says more; what was sent may be registered all the same", "%w", err)
	}
	return err
}

func showService(h *host, r admin.Registered, output string) error {
	if output == "json" {
		return writeJSON(h.out, r)
	}
	return pairs(h.out, [2]string{"service", r.Service}, [2]string{"version", r.Version}, [2]string{"shown as", r.Name}, [2]string{"id", r.ID})
}
