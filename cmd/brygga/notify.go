package main

import (
	"log/slog"
	"net"
	"strings"
)

// What a service manager is told of a server (sd_notify(3)).
const (
	managerReady     = "READY=1"
	managerReloading = "RELOADING=1"
	managerStopping  = "STOPPING=1"
)

// serviceManager is who started the server and waits to be told how far it is, as systemd does of a unit with Type=notify. The zero
// value is nobody.
type serviceManager struct {
	socket string // a path, or a name in the abstract namespace, which begins with @
	log    *slog.Logger
}

// newServiceManager returns the one that the environment names.
func newServiceManager(h *host, log *slog.Logger) serviceManager {
	return serviceManager{variable(h, "NOTIFY_SOCKET"), log}
}

// tell sends what there is to say in one message. One that cannot be sent is logged: the manager will take the server for one that
// does not start.
func (m serviceManager) tell(assignments ...string) {
	if m.socket == "" {
		return
	}
	connection, err := net.Dial("unixgram", m.socket)
	if err == nil {
		defer connection.Close()
		_, err = connection.Write([]byte(strings.Join(assignments, "\n")))
	}
	if err != nil {
		m.log.Warn("the service manager was not told", "state", assignments[0], "err", err)
	}
}

// reloading says that the configuration is being read again, and at which time, which Type=notify-reload asks for. The server tells that
// it is ready when that is done.
func (m serviceManager) reloading() { m.tell(managerReloading, "MONOTONIC_USEC="+monotonic()) }
