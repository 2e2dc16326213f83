// Package testdata holds the manifests against the types of Kubernetes and compose.yaml against the loader of Compose. It is a module of
// its own, as neither is of use to brygga.
package testdata

import (
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// manifests are the objects that "kubectl apply --kustomize" makes, and the example of a Secret.
type manifests struct {
	namespace  *core.Namespace
	config     *core.ConfigMap
	deployment *apps.Deployment
	services   []*core.Service
	disruption *policy.PodDisruptionBudget
	network    *networking.NetworkPolicy
	secret     *core.Secret
}

// load builds the manifests and decodes them strictly: a field that Kubernetes does not know fails the test.
func load(t *testing.T) *manifests {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{apps.AddToScheme, core.AddToScheme, networking.AddToScheme, policy.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	disk := filesys.MakeFsOnDisk()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, "../kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	example, err := disk.ReadFile("../kubernetes/secret.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	texts := [][]byte{example}
	for _, resource := range built.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	m := &manifests{}
	for _, text := range texts {
		object, _, err := strict.Decode(text, nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		m.add(t, object)
	}
	return m
}

func (m *manifests) add(t *testing.T, object runtime.Object) {
	t.Helper()
	switch o := object.(type) {
	case *core.Namespace:
		m.namespace = o
	case *core.ConfigMap:
		m.config = o
	case *apps.Deployment:
		m.deployment = o
	case *core.Service:
		m.services = append(m.services, o)
	case *policy.PodDisruptionBudget:
		m.disruption = o
	case *networking.NetworkPolicy:
		m.network = o
	case *core.Secret:
		m.secret = o
	default:
		t.Fatalf("%T is not looked at", object)
	}
	if object, ok := object.(v1.Object); ok && object.GetNamespace() != "brygga" && object.GetName() != "brygga" {
		t.Errorf("%T %s is in the namespace %q", object, object.GetName(), object.GetNamespace())
	}
}

// TestReferences: what one object says of another is there.
func TestReferences(t *testing.T) {
	m := load(t)
	pod := m.deployment.Spec.Template
	for what, selector := range map[string]*v1.LabelSelector{
		"deployment": m.deployment.Spec.Selector, "disruption budget": m.disruption.Spec.Selector, "network policy": &m.network.Spec.PodSelector,
		"spread over machines": pod.Spec.TopologySpreadConstraints[0].LabelSelector, "spread over zones": pod.Spec.TopologySpreadConstraints[1].LabelSelector,
		m.services[0].Name: {MatchLabels: m.services[0].Spec.Selector}, m.services[1].Name: {MatchLabels: m.services[1].Spec.Selector},
	} {
		matches, err := v1.LabelSelectorAsSelector(selector)
		if err != nil || matches.Empty() || !matches.Matches(labels.Set(pod.Labels)) {
			t.Errorf("%s: %v does not select the pods (%v)", what, selector, err)
		}
	}
	for _, volume := range pod.Spec.Volumes {
		if volume.ConfigMap != nil && volume.ConfigMap.Name != m.config.Name {
			t.Errorf("volume %s is of the ConfigMap %s, not %s", volume.Name, volume.ConfigMap.Name, m.config.Name)
		}
		if volume.Secret != nil && volume.Secret.SecretName != m.secret.Name {
			t.Errorf("volume %s is of the Secret %s, not %s", volume.Name, volume.Secret.SecretName, m.secret.Name)
		}
	}
	var ports []intstr.IntOrString
	for _, service := range m.services {
		ports = append(ports, service.Spec.Ports[0].TargetPort)
	}
	for _, rule := range m.network.Spec.Ingress {
		ports = append(ports, *rule.Ports[0].Port)
	}
	container := pod.Spec.Containers[0]
	for _, probe := range []*core.Probe{container.LivenessProbe, container.ReadinessProbe, container.StartupProbe} {
		ports = append(ports, probe.HTTPGet.Port)
	}
	for _, port := range ports {
		if !slices.ContainsFunc(container.Ports, func(p core.ContainerPort) bool { return p.Name == port.StrVal }) {
			t.Errorf("the container has no port %s", port.String())
		}
	}
}

// TestRestricted: the pods keep to the strictest of the Pod Security Standards, which the namespace enforces.
func TestRestricted(t *testing.T) {
	m := load(t)
	if m.namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Error("the namespace lets pods do more")
	}
	pod := m.deployment.Spec.Template.Spec
	own := pod.Containers[0].SecurityContext
	for what, holds := range map[string]bool{
		"runs as root": *pod.SecurityContext.RunAsNonRoot && *pod.SecurityContext.RunAsUser > 0, "may gain rights": !*own.AllowPrivilegeEscalation,
		"writes to its image":                 *own.ReadOnlyRootFilesystem,
		"keeps capabilities":                  slices.Equal(own.Capabilities.Drop, []core.Capability{"ALL"}) && len(own.Capabilities.Add) == 0,
		"has all system calls":                pod.SecurityContext.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault,
		"gets a token of the cluster":         !*pod.AutomountServiceAccountToken,
		"shares something with its machine":   !pod.HostNetwork && !pod.HostPID && !pod.HostIPC,
		"mounts what it could write to":       writable(pod) == "/var/lib/brygga",
		"has more than one container to hold": len(pod.Containers) == 1 && len(pod.InitContainers) == 0,
	} {
		if !holds {
			t.Errorf("a pod %s", what)
		}
	}
}

func writable(pod core.PodSpec) string {
	var paths []string
	for _, mount := range pod.Containers[0].VolumeMounts {
		if !mount.ReadOnly {
			paths = append(paths, mount.MountPath)
		}
	}
	return strings.Join(paths, " ")
}

// TestRolling: an upgrade and a machine that is emptied leave pods that are ready, and a pod that goes has time for its requests.
func TestRolling(t *testing.T) {
	m := load(t)
	rolling := m.deployment.Spec.Strategy.RollingUpdate
	if rolling.MaxUnavailable.IntValue() != 0 || rolling.MaxSurge.IntValue() < 1 {
		t.Errorf("an upgrade goes by %v", rolling)
	}
	if least := int(*m.deployment.Spec.Replicas) - m.disruption.Spec.MaxUnavailable.IntValue(); least < 2 {
		t.Errorf("%d pods are left when a machine is emptied", least)
	}
	pod := m.deployment.Spec.Template.Spec
	const requests = 20 // seconds, and as many for the rest
	if sleep := pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds; *pod.TerminationGracePeriodSeconds < sleep+2*requests {
		t.Errorf("a pod is killed after %d s, %d of which it sleeps", *pod.TerminationGracePeriodSeconds, sleep)
	}
}
