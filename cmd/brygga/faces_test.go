package main

import (
	"bytes"
	"image"
	"image/png"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// atHome are the commands that ask no server over its API, with the reason. Those of a group are named by it.
var atHome = map[string]string{
	"dev": "is a server", "serve": "is a server", "simulator": "is a server",
	"version": "is about the program itself", "check-store": "works on the file of a store that no server uses",
	"config":          "works on a file, before there is a server",
	"bankid":          "asks BankID with the certificate that lies on the server",
	"netid check":     "asks Net iD Access with the certificate that lies on the server",
	"evidence verify": "verifies files, anywhere",
	"store":           "works on the file of a store that no server uses",
	"backup":          "writes all that the store has, secrets too, to a file of the server",
	"restore":         "puts the file of a store in place",
	"migrate":         "goes from one store to another, with the master keys of both",
	"key reseal":      "takes the master key, which never leaves the server",
	"operator link":   "hands a link to whoever is at the server: with it one is that operator",
	"operator create": "does so, too, unless the link is mailed: see mailed",
}

// mailed is how the one is asked for that is at home with other flags.
var mailed = []string{"operator", "create", "asa", "--email", "asa@example.se", "--invite"}

// needs are the flags that commands cannot do without.
var needs = map[string][]string{
	"client update": {"--name", "A"}, "apikey create": {"--scope", "clients:read"}, "operator update": {"--name", "A"}, "banner set": {"--sv", "Hej"}, "apply": {"-f", "clients.yaml"},
	"evidence erase": {"--reason", "asked for"}, "netid register": {"--name", "A", "--image", "logo.png"},
}

// placeholders are what stands for the words of a command's usage.
var placeholders = map[string]string{"ID": "app", "NAME": "asa", "REFERENCE": "7QX4-2MKD", "USER": "asa", "[LEVEL]": "debug"}

// arguments are those with which a command is complete.
func arguments(cmd *cobra.Command) []string {
	path := strings.Fields(strings.TrimPrefix(cmd.CommandPath(), "brygga "))
	args := slices.Clone(path)
	for _, word := range strings.Fields(cmd.Use)[1:] {
		if placeholders[word] != "" {
			args = append(args, placeholders[word])
		}
	}
	return append(args, needs[strings.Join(path, " ")]...)
}

// leaves returns the commands that do something.
func leaves(cmd *cobra.Command) (all []*cobra.Command) {
	for _, c := range cmd.Commands() {
		if c.HasSubCommands() {
			all = append(all, leaves(c)...)
		} else {
			all = append(all, c)
		}
	}
	return all
}

// TestFaces: every command asks a server over its API when --server names one, or is at home by nature.
func TestFaces(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + nobody.Addr().String()
	nobody.Close()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("clients.yaml", []byte("id: app\nredirect_uris: [https://app.example.se/cb]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(".", "number"), []byte("191212121212\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("logo.png", logo.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(args []string) {
		t.Helper()
		in, err := os.Open("number")
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		var out bytes.Buffer
		h := &host{in: in, out: &out, err: &out, environ: []string{keyVariable + "=brygga_x_y"}}
		if code := run(t.Context(), append(args, "--server", address), h); code != exitUnavailable || !strings.Contains(out.String(), "the server does not answer") {
			t.Errorf("%v asks no server: it ends with %d: %s", args, code, &out)
		}
	}
	known := map[string]bool{}
	root := newRoot(&host{out: &bytes.Buffer{}, err: &bytes.Buffer{}})
	asked := 0
	for _, cmd := range leaves(root) {
		path := strings.TrimPrefix(cmd.CommandPath(), "brygga ")
		first, _, _ := strings.Cut(path, " ")
		switch {
		case !cmd.Runnable(): // a topic of the help
		case atHome[first] != "" || atHome[path] != "":
			known[first], known[path] = true, true
		default:
			asked++
			ask(arguments(cmd))
		}
	}
	ask(mailed)
	ask([]string{"login", "find", "--person"})
	for path := range atHome {
		if !known[path] {
			t.Errorf("there is no command %s", path)
		}
	}
	if asked < 30 {
		t.Errorf("%d commands were tried", asked)
	}
}
