package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/login"
	"brygga/storage"
	"brygga/templates"
	"brygga/web"
	"brygga/web/console"
)

// maxLookFile bounds a logo, style sheet or catalogue file, in bytes.
const maxLookFile = 1 << 20

// looks is what the configuration changes of the pages, checked.
type looks struct {
	brand      storage.Brand
	clients    map[string]storage.Brand // by client ID
	styleSheet []byte
	eids       map[string]web.EID
	messages   *templates.Catalogue
	// drafts takes languages that are not finished, and warns of them.
	drafts bool
}

// readEIDs reads what people see of each eID.
func (l *looks) readEIDs(c *config.Config, f config.Findings) {
	l.eids = make(map[string]web.EID)
	for i, m := range c.Methods {
		l.eids[m.Name] = web.EID{Label: m.Label, Logo: readEIDLogo(fmt.Sprintf("methods[%d].logo_file", i), m.LogoFile, f)}
	}
	if e := l.eids[login.MethodBankID]; e.Logo == nil {
		e.Logo = readEIDLogo("page.bankid_logo_file", c.Page.BankIDLogoFile, f)
		l.eids[login.MethodBankID] = e
	}
}

// readEIDLogo returns the logo in a file, nil for none, or reports why it cannot be used.
func readEIDLogo(key, path string, f config.Findings) []byte {
	logo, err := readLookFile(path)
	if err == nil && logo != nil {
		_, _, err = web.ReadLogo(logo)
	}
	addLookFault(f, key, err)
	return logo
}

// read is an inspection of the configuration: it reads the files that are named and checks all of it.
func (l *looks) read(c *config.Config, f config.Findings) {
	l.brand = readBrand("page.brand", c.Page.Brand, f)
	l.clients = make(map[string]storage.Brand, len(c.Clients))
	for i, client := range c.Clients {
		l.clients[client.ID] = readBrand(fmt.Sprintf("clients[%d].brand", i), client.Brand, f)
	}
	var err error
	if l.styleSheet, err = readLookFile(c.Page.StyleSheetFile); err == nil && l.styleSheet != nil {
		err = web.CheckStyleSheet(l.styleSheet)
	}
	addLookFault(f, "page.style_sheet_file", err)
	l.readEIDs(c, f)
	with := (*templates.Catalogue).With
	if l.drafts {
		with = draftsOf(f)
	}
	l.messages, err = readMessages(c.Page.MessagesDirectory, with)
	for _, fault := range joined(err) {
		addLookFault(f, "page.messages_directory", fault)
	}
	if c.NetID.Used() {
		addLookFault(f, "netid", l.addNetID(&c.NetID))
	}
}

// readBrand returns a brand as it may be shown.
func readBrand(key string, c config.Brand, f config.Findings) storage.Brand {
	logo, err := readLookFile(c.LogoFile)
	addLookFault(f, key+".logo_file", err)
	brand, corrections, err := web.CheckBrand(storage.Brand{
		Logo: logo, Accent: c.Accent, AccentDark: c.AccentDark, SupportURL: c.SupportURL, AccessibilityURL: c.AccessibilityURL,
	})
	for _, fault := range joined(err) {
		if of, ok := errors.AsType[*web.BrandError](fault); ok {
			addLookFault(f, key+"."+strings.Replace(of.Setting, "logo", "logo_file", 1), of.Err)
			continue
		}
		addLookFault(f, key, fault)
	}
	for _, correction := range corrections {
		f.Warn(key, correction)
	}
	return brand
}

// checkBrand returns a brand as it may be stored, or what is wrong with it as a setting of a client.
func checkBrand(b storage.Brand) (storage.Brand, error) {
	checked, _, err := web.CheckBrand(b)
	var wrong clients.Problems
	for _, fault := range joined(err) {
		of, ok := errors.AsType[*web.BrandError](fault)
		if !ok {
			return storage.Brand{}, err
		}
		wrong = append(wrong, clients.BrandFault(of.Setting, of.Err.Error()))
	}
	if len(wrong) > 0 {
		return storage.Brand{}, wrong
	}
	return checked, nil
}

func addLookFault(f config.Findings, key string, err error) {
	if err != nil {
		f.Fault(key, strings.ReplaceAll(err.Error(), "\n", "; "), "\"brygga help looks\" says what is taken")
	}
}

// joined returns the errors that errors.Join has put together, or err alone, or nothing for nil.
func joined(err error) []error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return all.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// pictures show the login page in looks that need not be stored.
type pictures struct {
	site    *atomic.Pointer[web.Site]
	preview string
}

var _ console.Looks = pictures{}

// States returns the states that are shown.
func (p pictures) States() []string { return web.Pictured() }

// Picture returns the page of the moment in a state.
func (p pictures) Picture(ctx context.Context, client *storage.Client, state, lang, theme string) ([]byte, bool) {
	return p.site.Load().Picture(ctx, client, state, lang, theme)
}

// Preview returns the address of all states, empty where it is not served.
func (p pictures) Preview() string { return p.preview }

// dress returns the clients with their brands.
func (l *looks) dress(clients []storage.Client) []storage.Client {
	for i := range clients {
		clients[i].Brand = l.clients[clients[i].ID]
	}
	return clients
}

// adding puts the texts of a file for a language in the place of a catalogue's own.
type adding func(c *templates.Catalogue, lang string, file []byte) (*templates.Catalogue, error)

// draftsOf adds languages that are not finished, and warns of what is missing.
func draftsOf(f config.Findings) adding {
	return func(c *templates.Catalogue, lang string, file []byte) (*templates.Catalogue, error) {
		with, missing, err := c.WithDraft(lang, file)
		if err == nil && len(missing) > 0 {
			f.Warn("page.messages_directory", fmt.Sprintf("%s.yaml: %d texts are missing and shown in another language, %s first", lang, len(missing), missing[0]))
		}
		return with, err
	}
}

// readMessages returns the texts of the pages with those of an operator's files, which are named for their languages.
func readMessages(directory string, add adding) (*templates.Catalogue, error) {
	if directory == "" {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no file such as sv.yaml in %s", directory)
	}
	var messages *templates.Catalogue
	var faults []error
	for _, file := range files {
		text, err := readLookFile(file)
		if err == nil {
			var with *templates.Catalogue
			if with, err = add(messages, strings.TrimSuffix(filepath.Base(file), ".yaml"), text); err == nil {
				messages = with
			}
		}
		for _, fault := range joined(err) {
			faults = append(faults, fmt.Errorf("%s: %w", filepath.Base(file), fault))
		}
	}
	return messages, errors.Join(faults...)
}

// readLookFile returns the content of a file, nil for no name.
func readLookFile(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	content, err := config.ReadFile(name, maxLookFile)
	if err == nil && len(content) == 0 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	return content, err
}

// brandFlags are the flags of a client's looks.
type brandFlags struct {
	logo, logoData, accent, accentDark, supportURL, accessibilityURL string
}

// logoFlag and logoDataFlag: the second carries the content of the first's file to a running server, which reads no files
// of its callers.
const (
	logoFlag     = "logo"
	logoDataFlag = "logo-data"
)

func (f *brandFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.logo, logoFlag, "", "logo `file`: PNG, JPEG, GIF or SVG; empty takes it away")
	flags.StringVar(&f.logoData, logoDataFlag, "", "")
	flags.Lookup(logoDataFlag).Hidden = true
	flags.StringVar(&f.accent, "accent", "", "colour of its buttons, as #rrggbb")
	flags.StringVar(&f.accentDark, "accent-dark", "", "the same for the dark theme")
	flags.StringVar(&f.supportURL, "support-url", "", "where its people get help: https or mailto")
	flags.StringVar(&f.accessibilityURL, "accessibility-url", "", "its accessibility statement: https or mailto")
}

// here refuses looks for a server that is asked over its API, which has none of them.
func (f *brandFlags) here(cmd *cobra.Command, h *host, where *whereFlags) error {
	asked, err := where.asked(cmd, h)
	if err != nil || !asked {
		return err
	}
	for _, name := range []string{logoFlag, "accent", "accent-dark", "support-url", "accessibility-url"} {
		if cmd.Flags().Changed(name) {
			return fail(exitUsage, "run it on the server, or leave --"+name+" out", "looks of a client are not set over the API")
		}
	}
	return nil
}

// read reads the logo's file and puts its content into the arguments that a running server may get.
func (f *brandFlags) read(cmd *cobra.Command, h *host) error {
	if !cmd.Flags().Changed(logoFlag) {
		return nil
	}
	if h.operator != nil {
		return fail(exitUsage, "use the same brygga as the server", "--logo names a file that is not the server's to read")
	}
	content, err := readLookFile(f.logo)
	if err == nil && content != nil {
		content, _, err = web.ReadLogo(content)
	}
	if err != nil {
		return fail(exitUsage, "give PNG, JPEG, GIF or a plain SVG", "--logo: %w", err)
	}
	f.logoData = base64.StdEncoding.EncodeToString(content)
	if err := cmd.Flags().Set(logoDataFlag, f.logoData); err != nil {
		return err
	}
	h.args = replaceFlag(h.args, logoFlag, logoDataFlag+"="+f.logoData)
	return nil
}

// replaceFlag returns the arguments with --name and its value replaced.
func replaceFlag(args []string, name, by string) []string {
	var replaced []string
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--"+name:
			i++
			replaced = append(replaced, "--"+by)
		case strings.HasPrefix(args[i], "--"+name+"="):
			replaced = append(replaced, "--"+by)
		default:
			replaced = append(replaced, args[i])
		}
	}
	return replaced
}

// apply sets on a client what the flags name, and returns what was corrected so that people can read it.
func (f *brandFlags) apply(cmd *cobra.Command, c *storage.Client) (corrections []string, err error) {
	b, changed := c.Brand, false
	for name, set := range map[string]func() error{
		logoDataFlag: func() (err error) {
			b.Logo, err = base64.StdEncoding.DecodeString(f.logoData)
			return err
		},
		"accent":            func() error { b.Accent, b.AccentDark = f.accent, ""; return nil },
		"support-url":       func() error { b.SupportURL = f.supportURL; return nil },
		"accessibility-url": func() error { b.AccessibilityURL = f.accessibilityURL; return nil },
	} {
		if cmd.Flags().Changed(name) {
			changed = true
			err = errors.Join(err, set())
		}
	}
	if cmd.Flags().Changed("accent-dark") { // after accent, which takes the old one away
		b.AccentDark, changed = f.accentDark, true
	}
	if !changed || err != nil {
		return nil, err
	}
	b, corrections, err = web.CheckBrand(b)
	if err != nil {
		return nil, fail(exitUsage, "\"brygga help looks\" says what is taken; nothing was changed", "%w", err)
	}
	c.Brand = b
	return corrections, nil
}
