// Package kubelet writes down what Kubernetes' own kubelet makes of probes, for
// state/observe/probes to be held against. It is a module of its own: kubelet
// brings more than a hundred others. make kubelet runs it.
package kubelet

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/kubelet/prober"
	"k8s.io/kubernetes/pkg/kubelet/prober/results"
	"k8s.io/kubernetes/pkg/kubelet/status"
	"k8s.io/utils/exec"
)

var out = flag.String("out", "../../state/observe/probes/testdata/kubelet.txt", "where to write what kubelet does")

// kinds are startup, liveness, readiness.
const kinds = "slr"

// kubelet is one pod with one container, its prober, and the world around it.
type kubelet struct {
	status.Manager // of which only GetPodStatus is used

	mu      sync.Mutex
	pod     *v1.Pod
	status  v1.PodStatus
	results map[byte]*outcomes
	prober  prober.Manager
	pods    int
	changed bool
	next    func(kind byte) byte // '+', '-', or '?': the prober's own error
	retries map[byte]int
	took    []string // samples of this step
}

// outcomes is a results.Manager that tells of changes.
type outcomes struct {
	k  *kubelet
	of map[kubecontainer.ContainerID]results.Result
}

func (o *outcomes) Get(id kubecontainer.ContainerID) (results.Result, bool) {
	o.k.mu.Lock()
	defer o.k.mu.Unlock()
	r, ok := o.of[id]
	return r, ok
}

func (o *outcomes) Set(id kubecontainer.ContainerID, r results.Result, _ *v1.Pod) {
	o.k.mu.Lock()
	defer o.k.mu.Unlock()
	was, ok := o.of[id]
	o.k.changed = o.k.changed || !ok || was != r
	o.of[id] = r
}

func (o *outcomes) Remove(id kubecontainer.ContainerID) {
	o.k.mu.Lock()
	defer o.k.mu.Unlock()
	delete(o.of, id)
}

func (o *outcomes) Updates() <-chan results.Update { return nil }

func (k *kubelet) GetPodStatus(types.UID) (v1.PodStatus, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return *k.status.DeepCopy(), true
}

// RunInContainer is asked by exec probes. kubelet asks three times where it
// fails itself.
func (k *kubelet) RunInContainer(_ context.Context, _ kubecontainer.ContainerID, cmd []string, _ time.Duration) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kind := cmd[0][0]
	if k.retries[kind] > 0 {
		k.retries[kind]--
		return nil, errors.New("no answer")
	}
	outcome := k.next(kind)
	k.took = append(k.took, string(kind)+string(outcome))
	switch outcome {
	case '+':
		return nil, nil
	case '-':
		return nil, exec.CodeExitError{Err: errors.New("exit"), Code: 1}
	}
	k.retries[kind] = 2
	return nil, errors.New("no answer")
}

// settings of one probe; zero failure: there is none.
type settings struct{ failure, success, delay int }

func (s settings) probe(kind byte) *v1.Probe {
	if s.failure == 0 {
		return nil
	}
	return &v1.Probe{
		ProbeHandler:        v1.ProbeHandler{Exec: &v1.ExecAction{Command: []string{string(kind)}}},
		InitialDelaySeconds: int32(s.delay), PeriodSeconds: 10, TimeoutSeconds: 1,
		FailureThreshold: int32(s.failure), SuccessThreshold: int32(s.success),
	}
}

func newKubelet(next func(byte) byte) *kubelet {
	k := &kubelet{next: next, retries: map[byte]int{}, results: map[byte]*outcomes{}}
	for _, kind := range []byte(kinds) {
		k.results[kind] = &outcomes{k, map[kubecontainer.ContainerID]results.Result{}}
	}
	k.prober = prober.NewManager(k, k.results['l'], k.results['r'], k.results['s'], k, &record.FakeRecorder{})
	time.Sleep(time.Hour) // a kubelet that has just begun waits a random time first
	return k
}

// begin runs a new pod: kubelet knows of it before its container runs.
func (k *kubelet) begin(ctx context.Context, of map[byte]settings) {
	k.pods++
	c := v1.Container{Name: "c", StartupProbe: of['s'].probe('s'), LivenessProbe: of['l'].probe('l'), ReadinessProbe: of['r'].probe('r')}
	k.pod = &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", UID: types.UID(fmt.Sprint(k.pods))}, Spec: v1.PodSpec{Containers: []v1.Container{c}}}
	k.mu.Lock()
	k.status = v1.PodStatus{Phase: v1.PodPending}
	k.mu.Unlock()
	k.prober.AddPod(ctx, k.pod)
	synctest.Wait()
	k.run("0")
}

// run has a new container of the pod run.
func (k *kubelet) run(id string) {
	k.mu.Lock()
	k.status = v1.PodStatus{Phase: v1.PodRunning, ContainerStatuses: []v1.ContainerStatus{{
		Name: "c", ContainerID: fmt.Sprintf("test://%d-%s", k.pods, id),
		State: v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: metav1.Now()}},
	}}}
	k.changed = true
	k.mu.Unlock()
}

// sync makes the pod's status anew, as kubelet does when a result changed.
func (k *kubelet) sync(ctx context.Context) {
	s, _ := k.GetPodStatus("")
	k.prober.UpdatePodStatus(ctx, k.pod, &s)
	k.mu.Lock()
	k.status, k.changed = s, false
	k.mu.Unlock()
}

// step writes down what was sampled since the last, and what is so now.
func (k *kubelet) step(name string, of map[byte]settings) string {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	id := kubecontainer.ContainerID{Type: "test", ID: strings.TrimPrefix(k.status.ContainerStatuses[0].ContainerID, "test://")}
	after := ""
	for _, kind := range []byte(kinds) {
		r, ok := k.results[kind].of[id]
		switch {
		case of[kind].failure == 0:
			after += "."
		case !ok || r == results.Unknown:
			after += "u"
		case r == results.Success:
			after += "S"
		default:
			after += "F"
		}
	}
	slices.SortStableFunc(k.took, func(a, b string) int { return strings.IndexByte(kinds, a[0]) - strings.IndexByte(kinds, b[0]) })
	line := name + strings.Join(k.took, "") + ":" + after
	k.took = nil
	return line
}

// settle has kubelet act on what changed: readiness may be asked at once.
func (k *kubelet) settle(ctx context.Context, of map[byte]settings) (line string, asked bool) {
	k.mu.Lock()
	changed := k.changed
	k.mu.Unlock()
	if !changed {
		return "", false
	}
	k.sync(ctx)
	line = k.step("m", of)
	return line, !strings.HasPrefix(line, "m:")
}

// live runs one case for some periods.
func live(t *testing.T, of map[byte]settings, steps int, next func(byte) byte, restart func(i int) byte) string {
	var lines []string
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(next)
		k.begin(t.Context(), of)
		for i := range steps {
			switch restart(i) {
			case 'P': // a new pod
				k.prober.RemovePod(k.pod)
				synctest.Wait()
				k.begin(t.Context(), of)
				lines = append(lines, "P")
			case 'C': // a new container of the same pod
				k.run(fmt.Sprint(i))
				lines = append(lines, "C")
			}
			if l, ok := k.settle(t.Context(), of); ok {
				lines = append(lines, l)
			}
			time.Sleep(10 * time.Second)
			lines = append(lines, k.step("t", of))
		}
		k.prober.RemovePod(k.pod)
		time.Sleep(time.Minute)
	})
	var head []string
	for _, kind := range []byte(kinds) {
		head = append(head, fmt.Sprintf("%d/%d/%d", of[kind].failure, of[kind].success, of[kind].delay))
	}
	return strings.Join(append(head, lines...), " ")
}

func script(of map[byte]string) func(byte) byte {
	return func(kind byte) byte {
		s := of[kind]
		if s == "" {
			return '+'
		}
		of[kind] = s[1:]
		return s[0]
	}
}

func never(int) byte { return 0 }

func TestWriteDownWhatKubeletDoes(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(mod), "k8s.io/kubernetes ")
	version, _, _ = strings.Cut(version, "\n")
	var b bytes.Buffer
	fmt.Fprintf(&b, `# What the prober of kubelet %s makes of probes with a period of 10 s. Written by .ci/kubelet; do not edit.
# startup liveness readiness, each failureThreshold/successThreshold/initialDelaySeconds, 0/0/0: none; then steps:
# t after a period, m at once because a result changed, P a new pod, C a new container; what was sampled, s l r with + success, - failure, ? the
# prober's own error; after the colon the results of the three: S success, F failure, u unknown, . none.
`, version)
	fmt.Fprintln(&b, live(t, map[byte]settings{'l': {3, 1, 0}}, 4, script(map[byte]string{'l': "---"}), func(i int) byte {
		if i == 2 {
			return 'C'
		}
		return 0
	}))
	fmt.Fprintln(&b, live(t, map[byte]settings{'l': {2, 1, 0}, 'r': {2, 3, 25}, 's': {4, 1, 15}}, 20, script(map[byte]string{'s': "---+", 'l': "+-?-", 'r': "++-+++--"}), never))
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 0))
		of := map[byte]settings{}
		for _, kind := range []byte(kinds) {
			if rng.IntN(3) == 0 {
				continue
			}
			s := settings{failure: 1 + rng.IntN(4), success: 1}
			if kind == 'r' {
				s.success += rng.IntN(3)
			}
			if rng.IntN(3) == 0 {
				s.delay = []int{5, 15, 30}[rng.IntN(3)]
			}
			of[kind] = s
		}
		well := 0.3 + 0.5*rng.Float64()
		dice := map[byte]*rand.Rand{} // of each probe: which is asked first is not known
		for _, kind := range []byte(kinds) {
			dice[kind] = rand.New(rand.NewPCG(seed, uint64(kind)))
		}
		fmt.Fprintln(&b, live(t, of, 30, func(kind byte) byte {
			switch x := dice[kind].Float64(); {
			case x < 0.1:
				return '?'
			case x < 0.1+0.9*well:
				return '+'
			}
			return '-'
		}, func(int) byte {
			if rng.IntN(12) == 0 {
				return 'P'
			}
			return 0
		}))
	}
	if err := os.WriteFile(*out, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
