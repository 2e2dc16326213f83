//go:build integrations

package interop

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"brygga/freeport"
)

// product is a web server by others that lets in who has logged in. In what it is told, APP is its own address, CONF the
// folder testdata/products, and ISSUER, ID, SECRET and PORT are what they say.
type product struct {
	name string
	// register are the flags by which it is registered, as its page in docs/integrations has them.
	register []string
	command  []string
	// build is a folder with a module of its own, and the program that is built from there to BUILT.
	build, program string
	// needs is a file without which it is not installed.
	needs string
	// claims is the path at which it shows, as JSON, claims by the names in shows; within is the key that they stand below.
	claims, within string
	shows          []string
	// logout is the path at which it logs out and then leads to after, or to /goodbye.
	logout, after string
	// host is the name that it is called by, if it is not 127.0.0.1.
	host string
}

var (
	standard = []string{"--scope", "profile", "--post-logout-redirect-uri", "APP/goodbye"}
	userinfo = []string{"sub", "personalNumber", "name", "given_name", "family_name", "birthdate"}
	all      = []string{"sub", "personalNumber", "given_name", "family_name", "birthdate", "acr", "txn"}
)

var products = []product{
	{
		name: "mod_auth_openidc", register: append(standard, "--redirect-uri", "APP/oidc", "--require-pkce"),
		command: []string{"/usr/sbin/apache2", "-D", "FOREGROUND", "-f", "CONF/apache.conf"},
		needs:   "/usr/lib/apache2/modules/mod_auth_openidc.so",
		claims:  "/oidc?info=json", within: "id_token", shows: all, logout: "/oidc?logout=APP%2Fgoodbye",
	},
	{
		name: "authlib", register: append(standard, "--redirect-uri", "APP/callback", "--require-pkce"),
		command: []string{"/usr/bin/python3", "CONF/flask_app.py"}, claims: "/", shows: all, logout: "/logout",
	},
	{
		name: "omniauth", register: append(standard, "--redirect-uri", "APP/auth/openid_connect/callback"),
		command: []string{"ruby", "CONF/omniauth.rb"}, claims: "/", shows: all, logout: "/logout",
	},
	{
		name: "express-openid-connect", register: append(standard, "--redirect-uri", "APP/callback", "--require-pkce"),
		command: []string{"node", "CONF/node/express.cjs"}, needs: "CONF/node/node_modules/express-openid-connect",
		claims: "/", shows: all, logout: "/logout",
	},
	{
		name: "passport-openidconnect", register: append(standard, "--redirect-uri", "APP/callback", "--auth-method", "client_secret_post"),
		command: []string{"node", "CONF/node/passport.cjs"}, needs: "CONF/node/node_modules/passport-openidconnect",
		claims: "/", shows: []string{"sub", "given_name", "family_name"}, logout: "/logout",
	},
	{
		name: "authjs", register: append(standard, "--redirect-uri", "APP/auth/callback/brygga", "--require-pkce"),
		command: []string{"node", "CONF/node/auth.mjs"}, needs: "CONF/node/node_modules/@auth/core",
		claims: "/", shows: all, logout: "/logout",
	},
	{
		name: "lemonldap-ng", register: []string{"--scope", "profile", "--redirect-uri", "APP/?openidconnectcallback=1", "--post-logout-redirect-uri", "APP/?logout=1"},
		command: []string{"plackup", "-o", "127.0.0.1", "-p", "PORT", "CONF/lemonldap.psgi"}, needs: "/usr/share/lemonldap-ng/portal/templates",
		claims: "/mysession/?whoami", shows: []string{"result"}, logout: "/?logout=1", after: "/?logout=1", host: "localhost",
	},
	library("openid-client 5", "openid-client-5"),
	library("simple-oauth2", "simple-oauth2").showing(userinfo),
	library("@badgateway/oauth2-client", "@badgateway/oauth2-client").showing(userinfo),
	library("arctic", "arctic"),
	library("@logto/connector-oidc", "@logto/connector-oidc"),
	nodeApp("passport-oauth2", "passport-oauth2.cjs").showing(userinfo),
	nodeApp("@fastify/oauth2", "fastify.mjs").showing(userinfo),
	nodeApp("@hono/oidc-auth", "hono.mjs"),
	{
		name: "better-auth",
		register: []string{
			"--scope", "profile", "--redirect-uri", "APP/api/auth/callback/bankid", "--post-logout-redirect-uri", "APP/goodbye", "--require-pkce",
			"--claim", "email=sub@app.invalid",
		},
		command: []string{"node", "CONF/node/better-auth.mjs"}, needs: "CONF/node/node_modules/better-auth",
		claims: "/", shows: []string{"name", "email"}, logout: "/logout",
	},
	{
		name: "cap", register: append(standard, "--redirect-uri", "APP/callback", "--require-pkce"), command: []string{"BUILT"}, build: "cap", program: ".",
		claims: "/", shows: all, logout: "/logout",
	},
	{
		name: "oauth2-proxy", register: append(standard, "--redirect-uri", "APP/oauth2/callback", "--require-pkce"),
		command: []string{
			"BUILT", "--provider=oidc", "--oidc-issuer-url=ISSUER", "--client-id=ID", "--client-secret=SECRET",
			"--redirect-url=APP/oauth2/callback", "--scope=openid profile", "--code-challenge-method=S256", "--oidc-email-claim=sub",
			"--user-id-claim=sub", "--email-domain=*", "--cookie-secret=0123456789abcdef0123456789abcdef", "--cookie-secure=false",
			"--http-address=127.0.0.1:PORT", "--upstream=static://200", "--skip-provider-button", "--skip-auth-route=^/goodbye$",
			"--whitelist-domain=localhost:*",
		},
		build: "oauth2-proxy", program: "github.com/oauth2-proxy/oauth2-proxy/v7",
		claims: "/oauth2/userinfo", shows: []string{"user", "email"},
		logout: "/oauth2/sign_out?rd=ISSUER%2Flogout%3Fclient_id%3DID%26post_logout_redirect_uri%3DAPP%2Fgoodbye",
	},
}

// library is an app on the package, made with library.mjs.
func library(name, pkg string) product {
	return product{
		name: name, register: append(standard, "--redirect-uri", "APP/callback"),
		command: []string{"node", "CONF/node/library.mjs", name}, needs: "CONF/node/node_modules/" + pkg, claims: "/", shows: all, logout: "/logout",
	}
}

// nodeApp is an app on the package of that name.
func nodeApp(name, file string) product {
	return product{
		name: name, register: append(standard, "--redirect-uri", "APP/callback"),
		command: []string{"node", "CONF/node/" + file}, needs: "CONF/node/node_modules/" + name, claims: "/", shows: []string{"sub", "name"}, logout: "/logout",
	}
}

// showing returns the product with other claims that it shows.
func (c product) showing(claims []string) product {
	c.shows = claims
	return c
}

func TestProducts(t *testing.T) {
	p := startProvider(t)
	for _, product := range products {
		t.Run(product.name, func(t *testing.T) {
			t.Parallel()
			product.run(t, p)
		})
	}
}

func (c *product) run(t *testing.T, p *provider) {
	id := strings.NewReplacer("@", "", "/", "-", " ", "-").Replace(c.name)
	port := freePort(t)
	app := "http://" + cmp.Or(c.host, "127.0.0.1") + ":" + port
	conf, err := filepath.Abs(filepath.Join("testdata", "products"))
	if err != nil {
		t.Fatal(err)
	}
	built := filepath.Join(t.TempDir(), id)
	fill := strings.NewReplacer("APP", app, "CONF", conf, "BUILT", built, "ISSUER", p.issuer, "PORT", port, "ID", id)
	if c.build != "" {
		out, err := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join(conf, c.build), "-o", built, c.program).CombinedOutput()
		if err != nil {
			t.Fatalf("build %s: %v\n%s", c.name, err, out)
		}
	}
	if file := fill.Replace(c.needs); file != "" {
		if _, err := os.Stat(file); err != nil {
			t.Fatalf("%s is not installed: make integrations", c.name)
		}
	}
	secret := p.register(t, id, replaced(fill, c.register)...)
	start(t, "", port, replaced(strings.NewReplacer("SECRET", secret), replaced(fill, c.command)), []string{
		"ISSUER=" + p.issuer, "APP=" + app, "PORT=" + port, "CLIENT_ID=" + id, "CLIENT_SECRET=" + secret, "DIR=" + t.TempDir(),
	})

	b := p.newBrowser(t)
	b.origins = append(b.origins, app)
	b.visit(app + "/")
	c.wantClaims(b, b.visit(app+c.claims))
	if out := b.visit(fill.Replace(app + c.logout)); out.address != app+cmp.Or(c.after, "/goodbye") {
		t.Errorf("after logging out the person is at %s:\n%s", out.address, out.body)
	}
	if again := b.fetch(http.MethodGet, app+"/", nil); !strings.HasPrefix(again.address, p.issuer+"/login/") {
		t.Errorf("after logging out the app shows %d at %s", again.status, again.address)
	}
}

func replaced(r *strings.Replacer, texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = r.Replace(text)
	}
	return out
}

// wantClaims checks what the product shows of the person.
func (c *product) wantClaims(b *browser, shown page) {
	b.t.Helper()
	claims := map[string]any{}
	if err := json.Unmarshal([]byte(shown.body), &claims); err != nil {
		b.t.Fatalf("%s shows %d: %s", shown.address, shown.status, shown.body)
	}
	if c.within != "" {
		claims, _ = claims[c.within].(map[string]any)
	}
	for _, name := range c.shows {
		if text, _ := claims[name].(string); text == "" {
			b.t.Errorf("the app has no %s: %v", name, claims)
		}
	}
	if number := claims["personalNumber"]; slices.Contains(c.shows, "personalNumber") && number != b.person {
		b.t.Errorf("the app has the personal number %v, want %s", number, b.person)
	}
}

// start runs a program in a folder until the test ends, and waits until it listens.
func start(t *testing.T, dir, port string, command, environ []string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Env = append(os.Environ(), environ...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", command[0], &log)
		}
	})
	ctx, end := context.WithTimeout(t.Context(), patience)
	defer end()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%v ended at once", command)
		case <-ctx.Done():
			t.Fatalf("%v does not answer", command)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := freeport.Take()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}
