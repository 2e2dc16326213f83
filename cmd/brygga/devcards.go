package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net"
	"slices"

	"brygga/admin"
	"brygga/bankid"
	"brygga/cmd/brygga/config"
	"brygga/netid"
	"brygga/netid/netidsim"
	"brygga/storage"
)

// further is how many ports follow the first one.
func (o *devOptions) further() int {
	if o.netid {
		return devServices + 1
	}
	return devServices - 1
}

// openCards makes a Net iD Access that listens, where one is wanted: at the two ports after those of the others, or at free ones when they have such.
func (d *devInstance) openCards(ctx context.Context, o devOptions) (err error) {
	if !o.netid {
		return nil
	}
	host := "127.0.0.1"
	if o.host == "::1" {
		host = o.host
	}
	at := func(n int) string {
		if o.port == 0 {
			return net.JoinHostPort(host, "0")
		}
		return net.JoinHostPort(host, fmt.Sprint(o.port+devServices+n))
	}
	d.cards, err = newCardService(ctx, cardOptions{app: at(0), listen: at(1), log: o.log, now: d.sim.Now})
	return err
}

// localAddress returns an address of this machine with the port of a listener.
func localAddress(scheme string, l net.Listener) string {
	return fmt.Sprintf("%s://localhost:%d", scheme, l.Addr().(*net.TCPAddr).Port)
}

// section returns what a configuration says of the simulated Net iD Access, nothing where there is none.
func (c *cardService) section() config.NetID {
	if c == nil {
		return config.NetID{}
	}
	return config.NetID{URL: localAddress("https", c.serviceAt) + netidsim.ServicePath, AppURL: localAddress("http", c.appAt) + "/", SerialNumberKey: storage.KeyHSAID, OtherDevice: true,
		PINAlways: true, // the card app signs nothing without its button, which stands for the PIN: texts can be signed, too
	}
}

// parts returns what a server speaks to the simulated Net iD Access with, nil where there is none.
func (c *cardService) parts() (*netIDParts, error) {
	if c == nil {
		return nil, nil
	}
	issuers, err := netid.ParseIssuers(slices.Concat(c.sim.IssuerPEM(), c.sim.MobileIssuerPEM()))
	certificate := c.sim.ClientCertificate().TLS
	return &netIDParts{
		options:      netid.Options{URL: c.section().URL, Profile: netid.Profile{Name: "simulator", RootCAsPEM: c.sim.ServerRootPEM()}},
		verifier:     netid.VerifierOptions{Issuers: issuers},
		certificates: map[string]bankid.CertificateSource{"": {TLS: &certificate}},
	}, err
}

// registerCards has the card app show the demo app's provider by its name, as an operator has it done by "brygga netid register".
func (d *devInstance) registerCards(ctx context.Context) {
	of := image.NewPaletted(image.Rect(0, 0, 64, 64), color.Palette{color.NRGBA{0x0b, 0x5c, 0x8f, 0xff}})
	var picture bytes.Buffer
	err := png.Encode(&picture, of)
	if err == nil {
		_, err = d.server.cards.register(ctx, admin.Registration{Name: d.server.config.Page.ServiceName, Image: picture.Bytes()})
	}
	if err != nil && ctx.Err() == nil {
		d.server.log.WarnContext(ctx, "not registered at the simulated Net iD Access", "err", err)
	}
}

// close ends a service that never served.
func (c *cardService) close() {
	if c != nil {
		c.serviceAt.Close()
		c.appAt.Close()
	}
}

// cardApp is a line with the virtual card app, where there is one.
func (d *devInstance) cardApp() string {
	if d.cards == nil {
		return ""
	}
	return "  Card app         " + d.cards.section().AppURL + "   of Net iD\n"
}
