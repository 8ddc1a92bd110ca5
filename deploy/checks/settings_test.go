package checks_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// program is a built binary and what its --help says of its variables.
type program struct {
	path     string
	command  []string
	required map[string]bool // by variable
}

// variableLine is the first line of a variable in --help, for example
// "  AUTH_SECRETS (required, at least 32 bytes each, secret)".
var variableLine = regexp.MustCompile(`(?m)^  ([A-Z][A-Z0-9_]*)(?: \((.*)\))?$`)

// fileLine names the variable that may hold a secret's file.
var fileLine = regexp.MustCompile(`(?m)^      or ([A-Z][A-Z0-9_]*_FILE)=`)

// build makes the binary of a folder.
func build(t *testing.T, folder string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "program")
	compile := exec.Command("go", "build", "-o", path, "./"+folder)
	compile.Dir, compile.Env = root(t), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", folder, err, out)
	}
	return path
}

// ask reads what the binary, run with this command, says of its variables.
func ask(t *testing.T, path string, command ...string) program {
	t.Helper()
	p := program{path: path, command: command, required: map[string]bool{}}
	help, err := exec.Command(path, append(command, "--help")...).Output()
	if err != nil {
		t.Fatalf("%v --help: %v", command, err)
	}
	for _, line := range variableLine.FindAllStringSubmatch(string(help), -1) {
		p.required[line[1]] = strings.HasPrefix(line[2], "required")
	}
	for _, line := range fileLine.FindAllStringSubmatch(string(help), -1) {
		p.required[line[1]] = false
	}
	if len(p.required) < 3 {
		t.Fatalf("%v --help lists %d variables:\n%s", command, len(p.required), help)
	}
	return p
}

// accepts complains of variables that the program does not know, of those that
// it misses, and of values that it refuses.
func (p program) accepts(t *testing.T, where string, environment map[string]string) {
	t.Helper()
	for name := range environment {
		if _, known := p.required[name]; !known {
			t.Errorf("%s sets %s, which --help does not list", where, name)
		}
	}
	for name, required := range p.required {
		_, plain := environment[name]
		_, file := environment[name+"_FILE"]
		if required && !plain && !file {
			t.Errorf("%s does not set %s, which is required", where, name)
		}
	}
	p.accuses(t, where, environment)
}

// accuses starts the program with one faulty variable more: when that is all
// it complains of, every other value is good, and nothing was opened.
func (p program) accuses(t *testing.T, where string, environment map[string]string) {
	t.Helper()
	run := exec.Command(p.path, p.command...)
	run.Env = []string{}
	for name, value := range environment {
		run.Env = append(run.Env, name+"="+value)
	}
	faulty := "ADDR"
	if _, known := p.required[faulty]; !known {
		faulty = "INBOX_ADDR"
	}
	if _, known := p.required["STRIPE_ADDR"]; known {
		faulty = "STRIPE_ADDR"
	}
	run.Env = append(run.Env, faulty+"=nowhere") // the last of two wins
	out, err := run.CombinedOutput()
	if err == nil || run.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), ": 1 fault in the settings:\n  "+faulty+" ") {
		t.Errorf("%s: the program, told also %s=nowhere, ends with %v:\n%s", where, faulty, err, out)
	}
}

// sample is a value as the secret of a variable would hold it.
func sample(variable string) string {
	switch variable {
	case "DATABASE_URL", "DATABASE_DIRECT_URL":
		return "postgres://codex:Zk4fQ0pBq7@postgres:5432/codex?sslmode=verify-full"
	case "REDIS_URL":
		return "redis://redis:6379/0"
	case "SMTP_URL":
		return "smtps://codex:Zk4fQ0pBq7@mail.example.com:465"
	}
	return "Zk4fQ0pBq7Zk4fQ0pBq7Zk4fQ0pBq7Zk4fQ0pBq7"
}

// What compose and the charts tell a program must be what it asks for: a variable
// that was renamed, or one that nobody reads, shows here and not on somebody's machine.
func TestProgramsAreToldWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds six programs; run without -short")
	}
	for _, name := range append([]string{"local"}, services...) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := build(t, folderOf(name))
			toldByCompose(t, name, path)
			if name != "local" {
				toldByChart(t, name, path)
			}
		})
	}
}

func toldByCompose(t *testing.T, name, path string) {
	t.Helper()
	containers := 0
	for container, service := range compose(t).Services {
		if service.Build == nil || *service.Build.Args["SERVICE"] != name {
			continue
		}
		containers++
		ask(t, path, commandOf(service.Command)...).accepts(t, "compose's "+container, composed(t, service))
	}
	if containers == 0 {
		t.Errorf("docker-compose.yml runs no %s", name)
	}
}

// composed gives a container's variables, with files that hold what secrets.sh would write.
func composed(t *testing.T, service types.ServiceConfig) map[string]string {
	t.Helper()
	environment, dir := map[string]string{}, t.TempDir()
	for variable, value := range service.Environment {
		environment[variable] = *value
		if secret, ok := strings.CutSuffix(variable, "_FILE"); ok {
			environment[variable] = filepath.Join(dir, secret)
			if err := os.WriteFile(environment[variable], []byte(sample(secret)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return environment
}

// The gateway faces the host: whoever reaches it could write any address into
// X-Forwarded-For, and so have a limit of its own for each request.
func TestComposeGatewayBelievesNobodysForwardedAddress(t *testing.T) {
	t.Parallel()
	environment := compose(t).Services["gateway"].Environment
	if value := environment["TRUSTED_PROXIES"]; value != nil && *value != "" {
		t.Errorf("TRUSTED_PROXIES is %q", *value)
	}
}

func folderOf(service string) string {
	if service == "local" {
		return "deploy/local"
	}
	return "services/" + service
}

// commandOf leaves out what takes only some of the settings: the migrations'
// containers share those of the service.
func commandOf(command []string) []string {
	if len(command) > 0 && command[0] == "migrate" {
		return nil
	}
	return command
}

func toldByChart(t *testing.T, name, path string) {
	t.Helper()
	p := ask(t, path)
	manifest, err := render(t, name, map[string]any{"existingSecret": "codex"})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects(t, manifest) {
		deployment, ok := object.(*appsv1.Deployment)
		if !ok {
			continue
		}
		pod := deployment.Spec.Template.Spec
		for _, container := range append(pod.InitContainers, pod.Containers...) {
			whole, needed := environmentOf(container)
			p.accepts(t, "the chart's container "+container.Name, whole)
			p.accepts(t, "the chart's container "+container.Name+", without optional secrets,", needed)
		}
	}
}

// environmentOf gives a container's variables, and those that are left when the
// Secret holds only what is not optional.
func environmentOf(container corev1.Container) (whole, needed map[string]string) {
	whole, needed = map[string]string{}, map[string]string{}
	for _, variable := range container.Env {
		source := variable.ValueFrom
		switch {
		case variable.Name == "GOMEMLIMIT": // Go's own
		case source == nil:
			whole[variable.Name], needed[variable.Name] = variable.Value, variable.Value
		case source.SecretKeyRef != nil:
			whole[variable.Name] = sample(variable.Name)
			if source.SecretKeyRef.Optional == nil || !*source.SecretKeyRef.Optional {
				needed[variable.Name] = sample(variable.Name)
			}
		}
	}
	return whole, needed
}
