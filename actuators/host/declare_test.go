package host

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

func declare(t *testing.T, h *Host, specs ...Spec) {
	t.Helper()
	if err := h.Declare(specs); err != nil {
		t.Fatal(err)
	}
}

// find is how actions find a plugin.
func find(t *testing.T, h *Host, name string) actuators.Actuator {
	t.Helper()
	a, err := h.Actuator(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWhatIsDeclaredAsBeforeGoesOn(t *testing.T) {
	h, p := good(t, Options{})
	pid := detail(t, p, "pid")
	declare(t, h, Spec{Name: "good", Role: "good"}, Spec{Name: "more", Role: "good"})
	if again := detail(t, find(t, h, "good").(*plugin), "pid"); again != pid {
		t.Errorf("process %s became %s over nothing", pid, again)
	}
	if got := strings.Join(h.Names(), " "); got != "good more" {
		t.Errorf("there are %q", got)
	}
}

func TestWhatIsDeclaredOtherwiseIsStartedAnew(t *testing.T) {
	h, p := good(t, Options{})
	pid := number(t, detail(t, p, "pid"))
	declare(t, h, Spec{Name: "good", Role: "good", Config: map[string]any{"colour": "red"}})
	if got := detail(t, find(t, h, "good").(*plugin), "config"); got != "red" {
		t.Errorf("its config is %q, want red", got)
	}
	dead(t, pid)
	if _, err := p.Apply(t.Context(), do("pid")); actuators.KindOf(err) != actuators.NotFound {
		t.Errorf("who held on to the old one: %v", err)
	}
}

func TestWhatIsNoLongerDeclaredEndsAfterItsLastCall(t *testing.T) {
	h, p := good(t, Options{})
	release, effects := folder(t)+"/release", folder(t)+"/effects"
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := p.Apply(t.Context(), actuators.Request{Action: actuators.Action{
			Actuator: "good", Verb: "wait", Args: map[string]string{"file": effects, "until": release},
		}}); err != nil {
			t.Errorf("a call that was under way: %v", err)
		}
	})
	for !exists(effects) {
		time.Sleep(time.Millisecond) // a poll
	}
	pid := h.Status()[0].PID
	declare(t, h)
	if _, err := h.Actuator("good"); actuators.KindOf(err) != actuators.NotFound {
		t.Errorf("it is still found: %v", err)
	}
	if err := note(release); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	dead(t, pid)
}

func TestAWrongSpecKeepsNoOtherOut(t *testing.T) {
	h := hosting(t, Options{})
	err := h.Declare([]Spec{{Name: "Upper", Role: "good"}, {Name: "good", Role: "good"}})
	if err == nil || !strings.Contains(err.Error(), `"Upper"`) {
		t.Errorf("%v", err)
	}
	detail(t, find(t, h, "good").(*plugin), "pid")
}
