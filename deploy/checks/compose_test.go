package checks_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose loads docker-compose.yml as the compose program does: unknown keys,
// broken anchors and dependencies on missing services are errors.
func compose(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root(t), "docker-compose.yml")}, cli.WithName("codex"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	return project
}

func TestComposeDescribesTheDevelopmentStack(t *testing.T) {
	project := compose(t)
	for service, port := range map[string]string{
		"gateway": "8000", "inbox": "8025", "adminer": "8080", "postgres": "5432", "redis": "6379", "s3": "9100", "stripe": "12111",
	} {
		published := project.Services[service].Ports
		if len(published) != 1 || published[0].Published != port || published[0].HostIP != "127.0.0.1" {
			t.Errorf("%s publishes %+v, want %s on loopback alone", service, published, port)
		}
	}
	for _, service := range []string{"auth", "webhook", "storage", "web"} {
		if ports := project.Services[service].Ports; len(ports) != 0 {
			t.Errorf("%s publishes %+v: only the gateway faces the host", service, ports)
		}
	}
}

func TestComposeRunsServicesWithoutPrivileges(t *testing.T) {
	for name, service := range compose(t).Services {
		if service.Build == nil {
			continue
		}
		if !service.ReadOnly || !slices.Contains(service.CapDrop, "ALL") || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: read_only=%v cap_drop=%v security_opt=%v", name, service.ReadOnly, service.CapDrop, service.SecurityOpt)
		}
	}
}

func TestComposeHoldsNoSecret(t *testing.T) {
	for name, service := range compose(t).Services {
		for variable, value := range service.Environment {
			secret := strings.Contains(variable, "SECRET") || strings.Contains(variable, "TOKEN") || strings.Contains(variable, "PASSWORD") || strings.HasPrefix(variable, "DATABASE")
			if secret && (!strings.HasSuffix(variable, "_FILE") || value == nil || !strings.HasPrefix(*value, "/secrets/")) {
				t.Errorf("%s: %s must come from a file under /secrets", name, variable)
			}
		}
	}
}

// The services migrate before they serve, each with its own role.
func TestComposeMigratesBeforeItServes(t *testing.T) {
	project := compose(t)
	for _, service := range []string{"auth", "webhook", "storage"} {
		after, ok := project.Services[service].DependsOn[service+"-migrate"]
		if !ok || after.Condition != types.ServiceConditionCompletedSuccessfully {
			t.Errorf("%s does not wait for %s-migrate", service, service)
		}
		if command := project.Services[service+"-migrate"].Command; !slices.Equal(command, types.ShellCommand{"migrate", "up"}) {
			t.Errorf("%s-migrate runs %v", service, command)
		}
	}
}

func TestDockerfileKnowsEveryService(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(root(t), "deploy/docker/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range compose(t).Services {
		if service.Build == nil {
			continue
		}
		arg := service.Build.Args["SERVICE"]
		if arg == nil || !strings.Contains(string(file), "AS source-"+*arg+"\n") {
			t.Errorf("%s builds SERVICE=%v, which the Dockerfile has no stage for", name, arg)
		}
	}
	for _, line := range []string{"FROM scratch", "USER 65532:65532", "ENV GOWORK=off"} {
		if !strings.Contains(string(file), line) {
			t.Errorf("the Dockerfile lacks %q", line)
		}
	}
}
