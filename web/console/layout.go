package console

import (
	"slices"
	"strings"

	"brygga/admin"
	"brygga/storage"
)

// service is what the installation is called.
func (v *visit) service() string {
	if v.Service == "" {
		return "Brygga"
	}
	return v.Service
}

// who is what the operator is called.
func (v *visit) who() string { return v.named(v.session.Operator) }

// isIn reports whether the page stands below that place of the navigation.
func (v *visit) isIn(p place) bool {
	if p.path == "settings" && slices.ContainsFunc(settings(), func(s setting) bool { return v.isBelow(s.path) }) {
		return true
	}
	if v.isBelow("evidence") { // which has no word of its own there
		return p.path == "logins" && v.may(p.operation) || p.path == "events" && !v.may(admin.ShowLogin)
	}
	return v.isBelow(p.path)
}

// isBelow reports whether the page is the one of that path, or stands below it.
func (v *visit) isBelow(path string) bool {
	asked := strings.TrimPrefix(v.r.URL.Path, Path)
	return asked == path || path != "" && strings.HasPrefix(asked, path+"/")
}

// currency says whether it is the place itself (WAI-ARIA 1.2: aria-current).
func (v *visit) currency(p place) string {
	if strings.TrimPrefix(v.r.URL.Path, Path) == p.path {
		return "page"
	}
	return "true"
}

// notFound is the page of every address that there is not.
func notFound(*visit) error { return storage.ErrNotFound }
