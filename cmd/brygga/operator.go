package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/account"
	"brygga/admin"
	"brygga/audit"
	"brygga/audit/tree"
	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/keys"
	"brygga/outbound"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/templates"
)

// Names inside a data directory.
const (
	storeFile     = "brygga.db"
	socketFile    = "brygga.sock"
	masterKeyFile = "master.key" // made by "brygga dev"; a server has it where its configuration says
)

// maxMasterKey bounds the file of a master key, in bytes.
const maxMasterKey = 1 << 10

// operator is what client and key commands work on: the parts of a running server, or those of a store that no server uses.
type operator struct {
	store storage.Store
	ring  func(context.Context) (*keys.Ring, error)
	audit *audit.Log
	tree  func(context.Context) (*tree.Tree, error) // over the audit log
	sinks []config.Sink                             // that the audit log is handed over to
	now   func() time.Time
	// hasher hashes passwords, for all of a server; nil for one of its own.
	hasher *account.Hasher
	// levels is the log of the server that this is part of; nil where none runs.
	levels *logLevels
	// certificates are the names that a client's policy may give.
	certificates []string
	// methods are the eIDs, and policy is what is demanded of every login.
	methods []clients.Method
	policy  storage.Policy
	// registrars register us at the services of eIDs.
	registrars map[string]admin.Registrar
	// acrValues are the levels that may be asserted.
	acrValues []string
	// local says that the issuer is on loopback.
	local bool
	// console is the address of the console, to which links of accounts lead.
	console string
	// mail says that mail is sent.
	mail bool
	// outbound fetches what clients have registered an address for.
	outbound *outbound.Caller
	// backup writes a copy of the store. Nil where the database has tools of its own for that.
	backup func(io.Writer) (int64, error)
	texts  func() *templates.Catalogue // of the pages; nil for the built-in ones
	actor  string                      // who gives the command, for the audit log
}

// whereFlags say which installation a command is for.
type whereFlags struct {
	config, data string
	remoteFlags
}

// add adds the flags for commands that a server can be asked for over its API, too.
func (f *whereFlags) add(cmd *cobra.Command, h *host) {
	f.addHere(cmd, h)
	f.remoteFlags.add(cmd, h)
}

// addHere adds those that name an installation of this machine.
func (f *whereFlags) addHere(cmd *cobra.Command, h *host) {
	cmd.PersistentFlags().StringVar(&f.config, "config", variable(h, "BRYGGA_CONFIG"), "configuration `file` of the server (or BRYGGA_CONFIG)")
	cmd.PersistentFlags().StringVar(&f.data, "data", "", "data `directory` of \"brygga dev\", in place of --config")
}

func variable(h *host, name string) string {
	for _, setting := range h.environ {
		if value, ok := strings.CutPrefix(setting, name+"="); ok {
			return value
		}
	}
	return ""
}

// installation is where the records of an installation are, and how to read them.
type installation struct {
	data      string
	issuer    string
	postgres  config.Postgres
	masterKey secret.String
	otherKey  secret.String    // opens what was sealed with it
	clients   []storage.Client // static ones
	retention time.Duration
	sinks     []config.Sink
	keys      config.Keys
	// certificates are the names of the further BankID certificates.
	certificates []string
	// methods are the eIDs, and policy is what is demanded of every login.
	methods    []clients.Method
	policy     storage.Policy
	acrValues  []string
	local      bool
	console    string
	mail       bool
	outbound   *outbound.Caller
	registrars map[string]admin.Registrar
}

func (f *whereFlags) find(h *host) (installation, error) {
	switch {
	case f.data != "":
		text, err := config.ReadFile(filepath.Join(f.data, masterKeyFile), maxMasterKey)
		if err != nil {
			return installation{}, fail(exitUsage, "give the directory that \"brygga dev\" names, or --config FILE for a server", "no data of brygga in %s: %w", f.data, err)
		}
		calls, err := newOutbound(config.Outbound{}, true)
		return installation{data: f.data, masterKey: secret.New(string(text)), local: true, console: (&config.Config{AdminListen: devConsole}).ConsoleURL(), outbound: calls}, err
	case f.config != "":
		looks := &looks{}
		c, err := loadConfig(f.config, h.environ, looks.read)
		if err != nil {
			return installation{}, err
		}
		calls, err := newOutbound(c.Outbound, c.LocalIssuer())
		if err != nil {
			return installation{}, err
		}
		return installation{
			data: c.Data, issuer: c.Issuer, postgres: c.Postgres, masterKey: c.MasterKey, otherKey: c.OtherMasterKey, clients: looks.dress(c.StaticClients(time.Now().UTC())), retention: c.Audit.Retention, sinks: c.Audit.Sinks, keys: c.Keys,
			certificates: c.CertificateNames(), methods: c.ClientMethods(), policy: c.BankID.Policy, acrValues: levelsOf(c), local: c.LocalIssuer(), console: c.ConsoleURL(), mail: c.Mail.Used(), outbound: calls, registrars: lateRegistrars(c),
		}, nil
	}
	return installation{}, fail(exitUsage, "give --config FILE for a server, or --data DIR for \"brygga dev\"", "which installation?")
}

// devConsole is where "brygga dev" listens for operators when nobody has chosen another port.
const devConsole = "localhost:8084"

// loadConfig reads the configuration, with a remedy when there is no such file.
func loadConfig(path string, environ []string, inspections ...config.Inspection) (*config.Config, error) {
	c, err := config.Load(path, environ, inspections...)
	return c, noConfiguration(path, err)
}

// noConfiguration returns an error of reading a configuration with what can be done about it, where the file could not be read.
func noConfiguration(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fail(exitUsage, "\"brygga config init "+path+"\" writes one", "no configuration: %w", err)
	}
	if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
		return fail(exitUsage, "name a configuration file that this user may read", "no configuration: %w", err)
	}
	return err
}

// withOperator lets do work on the installation: inside this process when a server runs here or none runs, and where the store is a
// database; else by running the whole command inside the server that has the store.
func withOperator(cmd *cobra.Command, h *host, where *whereFlags, do func(ctx context.Context, o *operator) error) error {
	ctx := cmd.Context()
	if h.operator != nil {
		return do(ctx, h.operator)
	}
	if err := where.onServer(cmd, h); err != nil {
		return err
	}
	in, err := where.find(h)
	if err != nil {
		return err
	}
	if in.postgres.Used() {
		store, err := openDatabase(ctx, in.postgres.DSN, in.masterKey, in.otherKey, in.postgres.Options())
		if err != nil {
			return err
		}
		return errors.Join(direct(ctx, h, in, store, do), store.Close())
	}
	return withStore(in, func(store *bolt.Store) error { return direct(ctx, h, in, store, do) }, func() error { return runInServer(ctx, h, in.data) })
}

// withStore calls direct with the store, or, when a server has that, through.
func withStore(in installation, direct func(*bolt.Store) error, through func() error) error {
	for attempt := 0; ; attempt++ {
		store, err := openStore(in.data, in.masterKey, in.otherKey, bolt.Options{LockTimeout: lockTime})
		if err == nil {
			return errors.Join(direct(store), store.Close())
		}
		if !errors.Is(err, bolt.ErrLocked) {
			return err
		}
		// A store without a server behind it is one that a server just opens or closes, or another command has.
		err = through()
		if !errors.Is(err, bolt.ErrLocked) || attempt == lockAttempts {
			return err
		}
	}
}

// How long a command waits for the store, and how often it tries.
const (
	lockTime     = 300 * time.Millisecond
	lockAttempts = 10
)

// direct lets do work on a store that no server uses.
func direct(ctx context.Context, h *host, in installation, store storage.Store, do func(context.Context, *operator) error) error {
	log, err := openAudit(ctx, store, audit.Options{Retention: in.retention})
	if err != nil {
		return err
	}
	all := storage.WithStaticClients(store, in.clients)
	keys := &lateRing{options: keys.Options{
		Store: store, RotateEvery: in.keys.RotateEvery, PublishAhead: in.keys.PublishAhead, Tell: tellKeys(log), Used: usedBy(all),
	}}
	defer keys.close()
	o := &operator{
		store: all, ring: keys.open, audit: log, now: time.Now, certificates: in.certificates, methods: in.methods, policy: in.policy,
		tree:      func(ctx context.Context) (*tree.Tree, error) { return openTree(ctx, store, in.issuer, tree.Options{}) },
		sinks:     in.sinks,
		acrValues: in.acrValues, local: in.local, console: in.console, mail: in.mail, outbound: in.outbound, registrars: in.registrars, actor: currentUser(h),
	}
	return do(audit.By(ctx, o.actor), o)
}

// lateRing is a ring of keys that is opened when a command needs it: that may make keys.
type lateRing struct {
	options keys.Options
	ring    *keys.Ring
}

func (r *lateRing) open(ctx context.Context) (_ *keys.Ring, err error) {
	if r.ring == nil {
		r.ring, err = keys.New(ctx, r.options)
	}
	return r.ring, err
}

func (r *lateRing) close() {
	if r.ring != nil {
		r.ring.Close()
	}
}

// newSealer returns what seals with the master key, and opens with the other one too, if there is one.
func newSealer(masterKey, other secret.String) (storage.Sealer, error) {
	var all [][]byte
	for _, text := range []secret.String{masterKey, other} {
		if text.IsZero() && len(all) > 0 {
			continue
		}
		key, err := keys.ParseMasterKey(text.Reveal())
		if err != nil {
			return nil, fail(exitUsage, "\"brygga config init\" makes one: 32 random bytes in base64", "%w", err)
		}
		all = append(all, key)
	}
	return keys.NewSealer(all[0], all[1:]...)
}

// openAudit returns the audit log. Its pseudonyms have a key of their own, made with the store.
func openAudit(ctx context.Context, store storage.Store, o audit.Options) (*audit.Log, error) {
	key, err := installationSecret(ctx, store, "audit pseudonyms")
	if err != nil {
		return nil, err
	}
	o.Store, o.PseudonymKey = store, key
	return audit.New(o)
}

// installationSecret returns the secret of that name, 32 random bytes that are made once for the store.
func installationSecret(ctx context.Context, store storage.Secrets, name string) ([]byte, error) {
	proposed := make([]byte, 32)
	rand.Read(proposed)
	value, err := store.SecretOrCreate(ctx, name, proposed)
	if err != nil {
		return nil, fmt.Errorf("read the secret for %s: %w", name, err)
	}
	return value, nil
}

// tellKeys returns a function that makes audit events of changes of keys.
func tellKeys(log *audit.Log) func(context.Context, []keys.Event) ([]storage.AuditEvent, func()) {
	types := map[keys.Change]audit.Type{
		keys.Created: audit.KeyCreated, keys.Activated: audit.KeyActivated, keys.Stopped: audit.KeyRetired, keys.Removed: audit.KeyRemoved,
	}
	return func(ctx context.Context, changes []keys.Event) ([]storage.AuditEvent, func()) {
		actor := audit.ActorOf(ctx, "brygga") // the latter when nobody gave a command: the rotation is due
		events := make([]audit.Event, len(changes))
		for i, e := range changes {
			events[i] = audit.Event{Type: types[e.Change], Actor: actor, Object: e.KeyID, Message: e.Algorithm}
		}
		records, told := log.Of(events...)
		return records, func() { told(ctx) }
	}
}

// currentUser names who gives a command: the user of the operating system, or the one behind sudo or doas.
func currentUser(h *host) string {
	if os.Geteuid() == 0 { // anybody else could say so of anyone
		if name := cmp.Or(variable(h, "SUDO_USER"), variable(h, "DOAS_USER")); name != "" {
			return name
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
