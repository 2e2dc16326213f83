package testdata

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// loadCompose reads compose.yaml as "docker compose" does: against the schema, with what it says of itself.
func loadCompose(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../compose/compose.yaml"}, cli.WithEnv([]string{"VERSION=1.0.0"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// TestCompose: what compose.yaml names is there, but for the secrets, which are the operator's, and for no more of those than
// docs/operations.md asks for.
func TestCompose(t *testing.T) {
	project := loadCompose(t)
	if names := project.ServiceNames(); !slices.Equal(names, []string{"brygga-1", "brygga-2", "postgres", "proxy"}) {
		t.Errorf("the services are %v", names)
	}
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for name, config := range project.Configs {
		files[name] = config.File
	}
	for name, secret := range project.Secrets {
		files[name] = secret.File
	}
	for name, file := range files {
		if filepath.Base(filepath.Dir(file)) == "secrets" {
			if !bytes.Contains(page, []byte("`"+filepath.Base(file)+"`")) {
				t.Errorf("docs/operations.md does not tell of %s", file)
			}
		} else if _, err := os.Stat(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	build := project.Services["brygga-1"].Build
	if _, err := os.Stat(filepath.Join(build.Context, build.Dockerfile)); err != nil {
		t.Error(err)
	}
}

// TestComposeHardening: the servers write to their own directory alone, have no rights to lose, and end before they are killed.
func TestComposeHardening(t *testing.T) {
	for name, service := range loadCompose(t).Services {
		if name != "brygga-1" && name != "brygga-2" {
			continue
		}
		for what, holds := range map[string]bool{
			"writes to its image":             service.ReadOnly,
			"keeps capabilities":              slices.Equal(service.CapDrop, []string{"ALL"}) && len(service.CapAdd) == 0,
			"may gain rights":                 slices.Contains(service.SecurityOpt, "no-new-privileges:true"),
			"is killed before it has ended":   service.StopGracePeriod != nil && service.StopGracePeriod.String() == "45s",
			"is open to everybody":            len(service.Ports) == 0,
			"does not come back after a kill": service.Restart == "unless-stopped",
			"starts before its database":      service.DependsOn["postgres"].Condition == types.ServiceConditionHealthy,
		} {
			if !holds {
				t.Errorf("%s %s", name, what)
			}
		}
	}
}
