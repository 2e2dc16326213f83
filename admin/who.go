package admin

import (
	"context"
	"errors"
	"strings"

	"brygga/storage"
)

// WhoKind is what somebody is whom the audit log names.
type WhoKind string

// The kinds.
const (
	WhoOperator WhoKind = "operator"
	WhoKey      WhoKind = "key"     // of the management API
	WhoClient   WhoKind = "client"  // which asks the API as itself
	WhoGone     WhoKind = "gone"    // an operator or a key that was removed: the audit log holds no names
	WhoCommand  WhoKind = "command" // somebody with a command on the server
	WhoServer   WhoKind = "server"  // the program itself
)

// Who is somebody whom the audit log names. Name is what people call it, empty for WhoGone and WhoServer; ID is what the log has.
type Who struct {
	Kind     WhoKind
	Name, ID string
}

// servers are what the program calls itself in the audit log.
var servers = []string{"", "brygga", "brygga dev", "SIGHUP"}

// Named returns who those are, by what the audit log calls them. It asks for each once.
func (s *Service) Named(ctx context.Context, actor Actor, actors []string) (map[string]Who, error) {
	if _, err := s.permit(ctx, actor, ListAudit); err != nil {
		return nil, err
	}
	all := make(map[string]Who, len(actors))
	for _, id := range actors {
		if _, known := all[id]; known {
			continue
		}
		who, err := s.who(ctx, id)
		if err != nil {
			return nil, err
		}
		all[id] = who
	}
	return all, nil
}

// who is somebody whom the audit log calls so.
func (s *Service) who(ctx context.Context, id string) (Who, error) {
	if client, is := strings.CutPrefix(id, "client:"); is {
		return Who{WhoClient, client, id}, nil
	}
	if key, is := strings.CutPrefix(id, "key:"); is {
		return s.whoOfKey(ctx, key, id)
	}
	for _, name := range servers {
		if id == name {
			return Who{WhoServer, "", id}, nil
		}
	}
	o, err := s.o.Store.Operator(ctx, id)
	switch {
	case err == nil && !o.Name.IsZero():
		return Who{WhoOperator, o.Name.Reveal(), id}, nil
	case err == nil:
		return Who{WhoOperator, o.UserName.Reveal(), id}, nil
	case !errors.Is(err, storage.ErrNotFound):
		return Who{}, err
	case storage.IsID(id):
		return Who{WhoGone, "", id}, nil
	}
	return Who{WhoCommand, id, id}, nil
}

func (s *Service) whoOfKey(ctx context.Context, key, id string) (Who, error) {
	k, err := s.o.Store.APIKey(ctx, key)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return Who{WhoGone, "", id}, nil
	case err != nil:
		return Who{}, err
	}
	return Who{WhoKey, k.Name, id}, nil
}
