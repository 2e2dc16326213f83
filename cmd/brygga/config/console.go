package config

import (
	"net"
	"net/url"
	"strings"

	"brygga/outbound"
)

// Console are the pages on which operators work, at /admin/ of the operators' listener.
type Console struct {
	// URL is the address under which operators reach it, up to and without /admin: that of a proxy that hands /admin/ on to AdminListen. Default
	// AdminListen itself.
	URL string `yaml:"url"`
	// Public serves it on the public listener, below the issuer, and not on the operators'. Default false.
	Public bool `yaml:"public"`
}

func (c *Config) checkConsole(r *reader) {
	if c.Console.URL == "" {
		return
	}
	u, err := url.Parse(c.Console.URL)
	switch {
	case c.Console.Public:
		r.fault("console.url", "is not used where public is true", "remove one of the two")
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.TrimSuffix(u.Path, "/") != "":
		r.fault("console.url", "is not the address of a host", "write one such as https://brygga.internal, without /admin")
	case u.Scheme != "https" && (u.Scheme != "http" || !outbound.IsLoopback(u.Hostname())):
		r.fault("console.url", "is not https: passwords and sessions would be read on the way", "let a proxy speak HTTPS, and write https://")
	}
}

// ConsoleURL is the address of the console, without a slash at its end. On loopback it has a name, which passkeys need.
func (c *Config) ConsoleURL() string {
	switch {
	case c.Console.Public:
		return c.Issuer + "/admin"
	case c.Console.URL != "":
		return strings.TrimSuffix(c.Console.URL, "/") + "/admin"
	}
	listen := c.AdminListen
	if host, port, err := net.SplitHostPort(listen); err == nil && (host == "" || net.ParseIP(host).IsLoopback() || net.ParseIP(host).IsUnspecified()) {
		listen = net.JoinHostPort("localhost", port)
	}
	return "http://" + listen + "/admin"
}
