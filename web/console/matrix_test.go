package console

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/admin"
	"brygga/storage"
)

var parameter = regexp.MustCompile(`\{[a-z]+\}`)

// filledIn is the path of a pattern behind /admin/, with a word of nothing that there is in each place.
func filledIn(pattern string) string {
	return strings.Replace(parameter.ReplaceAllString(strings.TrimPrefix(pattern, "/"), "nobody"), "{$}", "", 1)
}

// TestRolesAndPages: each page is answered to those alone who may do its operation, and offered in no navigation to others. The operations
// themselves are held against a table of their own in package admin.
func TestRolesAndPages(t *testing.T) {
	s := newSite(t)
	for _, role := range allRoles {
		s.operator(role)
	}
	b := map[storage.Role]*browser{}
	for _, role := range allRoles {
		b[role] = s.logIn(role)
		b[role].client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	for _, p := range pages() {
		method, pattern, _ := strings.Cut(p.pattern, " ")
		path := filledIn(pattern)
		for _, role := range allRoles {
			if p.operation == "" {
				continue
			}
			if operation := admin.OperationOf(p.operation); operation.Name == "" {
				t.Fatalf("%s is for %q, which is no operation", p.pattern, p.operation)
			}
			got := b[role].do(method, path, nil)
			if may := slices.Contains(admin.OperationOf(p.operation).Roles, role); may == (got.StatusCode == http.StatusForbidden) {
				t.Errorf("%s for the role %s: status %d, and it may: %v", p.pattern, role, got.StatusCode, may)
			}
		}
		stranger := s.browser()
		stranger.client.CheckRedirect = b[storage.RoleOwner].client.CheckRedirect
		if p.access == anybody {
			continue
		}
		got := stranger.do(method, path, nil)
		if method == http.MethodGet && !strings.HasPrefix(got.Header.Get("Location"), "/admin/login?") || method == http.MethodPost && got.StatusCode != http.StatusForbidden {
			t.Errorf("%s for nobody: status %d, to %q", p.pattern, got.StatusCode, got.Header.Get("Location"))
		}
	}
	for _, role := range allRoles {
		got := b[role].get("")
		for _, place := range places() {
			offered := strings.Contains(got.body, `href="/admin/`+place.path+`"`)
			may := place.operation == "" || slices.Contains(admin.OperationOf(place.operation).Roles, role)
			if offered != may {
				t.Errorf("%s is offered to the role %s: %v, want %v", place.path, role, offered, may)
			}
		}
	}
}

// TestDangerousPagesAskForAProof: the pages of operations that demand one, and those on what the operator logs in by.
func TestDangerousPagesAskForAProof(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.now = s.now.Add(storage.StepUpLife + time.Second)
	for _, p := range pages() {
		method, pattern, _ := strings.Cut(p.pattern, " ")
		if p.access == anybody || strings.Contains(pattern, "end-all") || !admin.OperationOf(p.operation).StepUp && !p.own {
			continue
		}
		path := filledIn(pattern)
		got := b.do(method, path, nil)
		if method == http.MethodGet && !strings.HasPrefix(got.Header.Get("Location"), "/admin/step-up?") || method == http.MethodPost && got.heading() != "Show that it is you" {
			t.Errorf("%s: status %d, to %q, heading %q", p.pattern, got.StatusCode, got.Header.Get("Location"), got.heading())
		}
	}
}
