package main

import (
	"net/http"

	"brygga/cmd/brygga/config"
	"brygga/login"
	"brygga/netid/netidlogin"
	"brygga/op"
	"brygga/storage"
)

// offered returns the names of the eIDs by which the browser of r may answer the client's request, or, where r is nil, a person without one.
func (s *server) offered(r *http.Request, client *storage.Client, request *storage.AuthRequest) []string {
	if r == nil {
		return s.engine.Offered(client, request, storage.Starter{})
	}
	return s.site.Load().Offered(r, client, request)
}

// toldMethods returns what apps are told of each eID.
func toldMethods(c *config.Config) (methods []op.Method) {
	for _, name := range c.MethodNames() {
		m := c.MethodOf(name)
		told := op.Method{Name: name, Provider: m.AuthnProvider, ACRValues: m.ACRValues, Demands: name == login.MethodBankID, AMR: m.AMR}
		if name == netidlogin.Name {
			for _, is := range c.NetID.Issuers {
				told.Issuers = append(told.Issuers, op.MethodIssuer{Name: is.Name, Provider: is.AuthnProvider, ACRValues: is.ACRValues, AMR: is.AMR})
			}
		}
		methods = append(methods, told)
	}
	return methods
}
