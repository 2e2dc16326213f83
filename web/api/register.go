package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"brygga/admin"
)

func register(c *call) (*answer, error) {
	var r admin.Registration
	var image string
	if err := c.members(map[string]any{"name": &r.Name, "image": &image, "certificate": &r.Certificate}); err != nil {
		return nil, err
	}
	var err error
	if r.Image, err = base64.StdEncoding.DecodeString(image); err != nil {
		return nil, invalid(fault{Pointer: "/image", Detail: "is not base64"})
	}
	registered, err := c.Admin.Register(c, c.actor, c.id(), r)
	if wrong, is := errors.AsType[*admin.RegistrationError](err); is {
		return nil, invalid(fault{Pointer: "/" + wrong.Field, Detail: wrong.Problem})
	}
	if _, is := errors.AsType[*admin.ServiceError](err); is {
		c.Log.WarnContext(c, "an eID's service did not register us", "method", c.id(), "err", err)
		return nil, &problem{Status: http.StatusBadGateway, Title: "service failed", Detail: "the service of the eID did not answer as it should; what was sent may be registered all the same"}
	}
	if err != nil {
		return nil, err
	}
	return ok(registered)
}

// Register registers the installation at the service of the eID of that name. Errors are those of admin.Service.Register.
func (r *Remote) Register(ctx context.Context, eid string, of admin.Registration) (registered admin.Registered, err error) {
	body := map[string]string{"name": of.Name, "image": base64.StdEncoding.EncodeToString(of.Image)}
	if of.Certificate != "" {
		body["certificate"] = of.Certificate
	}
	_, err = r.ask(ctx, request{method: "POST", path: "/eids/" + url.PathEscape(eid) + "/register", body: body}, &registered)
	return registered, err
}
