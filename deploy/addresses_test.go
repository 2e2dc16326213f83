package deploy_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"brygga/web"
)

// TestKubernetesAddresses: the ports of the pods are those of the configuration, and the probes ask for what the program serves there.
func TestKubernetesAddresses(t *testing.T) {
	c := loadConfig(t, "kubernetes/config.yaml", secretFiles(t))
	container := readYAML[deployment](t, "kubernetes/deployment.yaml").Spec.Template.Spec.Containers[0]
	ports := map[string]string{}
	for _, port := range container.Ports {
		ports[port.Name] = strconv.Itoa(port.ContainerPort)
	}
	if ports["http"] != portOf(t, c.Listen) || ports["admin"] != portOf(t, c.AdminListen) {
		t.Errorf("the pods have the ports %v, the program listens on %s and %s", ports, c.Listen, c.AdminListen)
	}
	for _, probe := range []probe{container.LivenessProbe, container.ReadinessProbe, container.StartupProbe} {
		if probe.HTTPGet.Port != "admin" || !served("http://10.244.0.7:9090"+probe.HTTPGet.Path) {
			t.Errorf("a probe asks for %s on %s, where nobody answers", probe.HTTPGet.Path, probe.HTTPGet.Port)
		}
	}
	if container.LivenessProbe.HTTPGet.Path == container.ReadinessProbe.HTTPGet.Path {
		t.Error("pods are killed for not being ready")
	}
}

// TestComposeAddresses: proxy and health check ask the servers where they listen, and the servers believe the proxy's network.
func TestComposeAddresses(t *testing.T) {
	c := loadConfig(t, "compose/config.yaml", composeFiles(t, "brygga-1"))
	all := readYAML[compose](t, "compose/compose.yaml")
	for service := range all.Services {
		composeFiles(t, service)
	}
	proxied := regexp.MustCompile(`(?m)^    server (\S+):(\d+) `).FindAllStringSubmatch(read(t, "compose/nginx.conf"), -1)
	if len(proxied) != 2 {
		t.Fatalf("nginx has %d servers", len(proxied))
	}
	for _, server := range proxied {
		if _, known := all.Services[server[1]]; !known || server[2] != portOf(t, c.Listen) {
			t.Errorf("nginx asks %s on port %s", server[1], server[2])
		}
		if !slices.Contains(c.AdminHosts, server[1]) {
			t.Errorf("admin_hosts lacks %s", server[1])
		}
	}
	mounted := composeFiles(t, "proxy")
	for _, file := range regexp.MustCompile(`ssl_certificate\S*\s+(\S+);`).FindAllStringSubmatch(read(t, "compose/nginx.conf"), -1) {
		if !slices.Contains(mounted, file[1]) {
			t.Errorf("nginx reads %s, of %v", file[1], mounted)
		}
	}
	asked := regexp.MustCompile(`http://[^ "]+`).FindAllString(strings.Join(all.Services["proxy"].Healthcheck.Test, " "), -1)
	if len(asked) != 2 {
		t.Errorf("the health check asks for %v", asked)
	}
	for _, address := range asked {
		u, err := url.Parse(address)
		if err != nil || u.Port() != portOf(t, c.AdminListen) || !served(address) {
			t.Errorf("the health check asks for %s, where nobody answers (%v)", address, err)
		}
		if _, known := all.Services[u.Hostname()]; !known {
			t.Errorf("the health check asks %s, which is no service", u.Hostname())
		}
	}
	front := netip.MustParsePrefix(all.Networks["front"].IPAM.Config[0].Subnet)
	if !slices.Equal(c.TrustedProxies, []netip.Prefix{front}) {
		t.Errorf("trusted_proxies is %v, the proxy is in %v", c.TrustedProxies, front)
	}
	for name, service := range all.Services {
		if name != "proxy" && len(service.Ports) > 0 {
			t.Errorf("%s is open to everybody: %v", name, service.Ports)
		}
	}
}

// TestImage: compose.yaml builds the image from a file that is there, and the deployments give its program arguments that it takes.
func TestImage(t *testing.T) {
	file := read(t, "container/Containerfile")
	for _, want := range []string{`ENTRYPOINT ["/usr/bin/brygga"]`, `CMD ["serve"]`, "USER 65532:65532", "ENV BRYGGA_CONFIG=/etc/brygga/config.yaml", "FROM scratch", "CGO_ENABLED=0"} {
		if !strings.Contains(file, want) {
			t.Errorf("the image has no %s", want)
		}
	}
	used := readYAML[struct {
		Brygga struct {
			Build struct{ Context, Dockerfile string }
		} `yaml:"x-brygga"`
	}](t, "compose/compose.yaml").Brygga.Build
	if used.Context != "../.." || used.Dockerfile != "deploy/container/Containerfile" {
		t.Errorf("compose.yaml builds %v", used)
	}
	if args := readYAML[deployment](t, "kubernetes/deployment.yaml").Spec.Template.Spec.Containers[0].Args; !slices.Equal(args, []string{"serve"}) {
		t.Errorf("the pods run brygga with %q", args)
	}
}

// served reports whether the operators' listener has something at the address.
func served(address string) bool {
	answer := httptest.NewRecorder()
	web.Operators(web.OperatorsOptions{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, address, nil))
	return answer.Code == http.StatusOK
}
