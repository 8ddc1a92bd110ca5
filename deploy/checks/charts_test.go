package checks_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubejson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
)

var services = []string{"auth", "gateway", "webhook", "storage", "web"}

// render gives the manifest that `helm template NAME deploy/charts/NAME` prints.
func render(t *testing.T, name string, values map[string]any) (string, error) {
	t.Helper()
	chart, err := loader.Load(filepath.Join(root(t), "deploy/charts", name))
	if err != nil {
		t.Fatalf("load chart: %v", err)
	}
	release := chartutil.ReleaseOptions{Name: name, Namespace: "codex", IsInstall: true, Revision: 1}
	all, err := chartutil.ToRenderValues(chart, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return "", err
	}
	return files[name+"/templates/all.yaml"], nil
}

// objects decodes a manifest strictly: a field that Kubernetes does not know is an error.
func objects(t *testing.T, manifest string) []runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, autoscalingv2.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := kubejson.NewSerializerWithOptions(kubejson.DefaultMetaFactory, scheme, scheme, kubejson.SerializerOptions{Yaml: true, Strict: true})
	documents := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(manifest)))
	var found []runtime.Object
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		found = append(found, object)
	}
}

func TestChartsRenderWhatKubernetesKnows(t *testing.T) {
	everything := map[string]any{
		"existingSecret": "codex",
		"autoscaling":    map[string]any{"enabled": true},
		"ingress":        map[string]any{"enabled": true, "host": "app.example.com", "tlsSecret": "app-tls", "className": "nginx"},
	}
	for _, name := range services {
		for title, values := range map[string]map[string]any{"a secret's name alone": {"existingSecret": "codex"}, "everything on": everything} {
			t.Run(name+" with "+title, func(t *testing.T) {
				manifest, err := render(t, name, values)
				if err != nil {
					t.Fatal(err)
				}
				again, err := render(t, name, values)
				if err != nil || manifest != again {
					t.Errorf("two renderings differ (%v)", err)
				}
				kinds := map[string]int{}
				for _, object := range objects(t, manifest) {
					kinds[object.GetObjectKind().GroupVersionKind().Kind]++
				}
				for _, kind := range []string{"Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"} {
					if kinds[kind] != 1 {
						t.Errorf("%d objects of kind %s", kinds[kind], kind)
					}
				}
			})
		}
	}
}

// DEP-01: what the restricted Pod Security level asks, and no token, no privilege.
func TestChartsRunUnprivileged(t *testing.T) {
	for _, name := range services {
		manifest, err := render(t, name, map[string]any{"existingSecret": "codex"})
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects(t, manifest) {
			deployment, ok := object.(*appsv1.Deployment)
			if !ok {
				continue
			}
			checkPod(t, name, deployment.Spec.Template.Spec)
		}
	}
}

func checkPod(t *testing.T, name string, pod corev1.PodSpec) {
	t.Helper()
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Errorf("%s mounts a service account's token", name)
	}
	if pod.SecurityContext == nil || !*pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: pod security %+v", name, pod.SecurityContext)
	}
	for _, container := range append(pod.InitContainers, pod.Containers...) {
		security := container.SecurityContext
		if security == nil || *security.AllowPrivilegeEscalation || !*security.ReadOnlyRootFilesystem || len(security.Capabilities.Drop) != 1 || security.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s/%s: container security %+v", name, container.Name, security)
		}
		if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() {
			t.Errorf("%s/%s lacks a memory limit or a request", name, container.Name)
		}
		for _, variable := range container.Env {
			secret := strings.Contains(variable.Name, "SECRET") || strings.Contains(variable.Name, "TOKEN") || strings.HasPrefix(variable.Name, "DATABASE")
			if secret && variable.ValueFrom == nil {
				t.Errorf("%s/%s: %s is written into the manifest", name, container.Name, variable.Name)
			}
		}
	}
}

func TestChartsRefuseUnknownValues(t *testing.T) {
	for _, name := range services {
		if _, err := render(t, name, map[string]any{"replicaz": 3}); err == nil || !strings.Contains(err.Error(), "replicaz") {
			t.Errorf("%s: a misspelt value gives %v", name, err)
		}
	}
}

func TestChartsAskForTheSecret(t *testing.T) {
	for _, name := range []string{"auth", "gateway", "webhook", "storage"} {
		if _, err := render(t, name, nil); err == nil || !strings.Contains(err.Error(), "existingSecret") {
			t.Errorf("%s without existingSecret gives %v", name, err)
		}
	}
}

// Auth's own way in leads to where its API begins.
func TestChartsLeadToTheMovedAPI(t *testing.T) {
	for base, env := range map[string]map[string]any{"/api/auth": {}, "/id": {"BASE_PATH": "/id"}} {
		manifest, err := render(t, "auth", map[string]any{
			"existingSecret": "codex", "env": env, "ingress": map[string]any{"enabled": true, "host": "app.example.com"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects(t, manifest) {
			if in, is := object.(*networkingv1.Ingress); is && (len(in.Spec.Rules[0].HTTP.Paths) != 1 || in.Spec.Rules[0].HTTP.Paths[0].Path != base) {
				t.Errorf("BASE_PATH %s: %+v", base, in.Spec.Rules[0].HTTP.Paths)
			}
		}
	}
}
