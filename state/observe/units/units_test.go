package units

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
)

func TestBadName(t *testing.T) {
	for name, ok := range map[string]bool{
		"nginx.service": true, "postgresql@15-main.service": true, `a@b\x2dc.service`: true, "-.mount": true,
		"a:b_c-d.socket": true, "x@y@z.service": true, "sys-a.device": true,
		"": false, "nginx": false, ".service": false, "nginx.servce": false, "x@.service": false, "@x.service": false,
		"a/b.service": false, "a b.service": false, "ä.service": false, "../a.service": false, "a\n.service": false,
		strings.Repeat("a", 256) + ".service": false,
	} {
		if why := badName(name); (why == "") != ok {
			t.Errorf("%q: %q", name, why)
		}
	}
}

func TestMajor(t *testing.T) {
	for version, want := range map[string]int{"252.38-1~deb12u1": 252, "v256~rc1": 256, "219": 219, "": 0, "x": 0} {
		if got := major(version); got != want {
			t.Errorf("%q: %d", version, got)
		}
	}
}

func TestTimes(t *testing.T) {
	if got := monotonic(uint64(1_500_000)); got != 1500*time.Millisecond {
		t.Errorf("monotonic: %v", got)
	}
	if got := wall(uint64(1_700_000_000_000_000)); !got.Equal(time.Unix(1_700_000_000, 0)) {
		t.Errorf("wall: %v", got)
	}
	for _, never := range []any{uint64(0), ^uint64(0), nil, "text"} {
		if !wall(never).IsZero() || monotonic(never) != 0 {
			t.Errorf("%v: %v, %v", never, wall(never), monotonic(never))
		}
	}
}

// fakeBus answers for the units that it has and fails as it is told.
type fakeBus struct {
	Bus
	refuse  string // a name that makes ListUnitsByNames fail
	listErr error
	getErr  error
	calls   int
}

func (b *fakeBus) Look(_ context.Context, names []string, props []bus.Property) ([]bus.UnitStatus, []bus.Reply, error) {
	b.calls++
	if b.listErr != nil {
		return nil, nil, b.listErr
	}
	if slices.Contains(names, b.refuse) {
		return nil, nil, &bus.Error{Name: "org.freedesktop.DBus.Error.InvalidArgs"}
	}
	var out []bus.UnitStatus
	for _, n := range names {
		out = append(out, bus.UnitStatus{Name: strings.Replace(n, "alias", "real", 1), Load: "loaded", Active: "active", Sub: "running"})
	}
	return out, make([]bus.Reply, len(props)), nil
}

func (b *fakeBus) Get(_ context.Context, props []bus.Property) ([]bus.Reply, error) {
	return make([]bus.Reply, len(props)), b.getErr
}

func testClock() state.Time { return state.Time{Up: time.Second, Boot: "b"} }

func TestOneRefusedNameHidesNoOther(t *testing.T) {
	b := &fakeBus{refuse: "odd.service"}
	facts := New(b, testClock, Options{}).Observe(t.Context(), []string{"a.service", "odd.service", "b.service"})
	if !facts["a.service"].Known() || !facts["b.service"].Known() || facts["odd.service"].Known() {
		t.Errorf("%+v", facts)
	}
}

// A lost way is not tried again for each name, and leaves all of them unknown,
// with the time at which the reading began.
func TestALostWayMakesEverythingUnknown(t *testing.T) {
	for _, b := range []*fakeBus{{listErr: bus.ErrNoServer}, {listErr: context.DeadlineExceeded}, {getErr: bus.ErrDisconnected}} {
		names := []string{"a.service", "b.service"}
		for i := range 100 { // enough for the way that looks at the folders first
			names = append(names, fmt.Sprintf("n%d.service", i))
		}
		facts := New(b, testClock, Options{}).Observe(t.Context(), names)
		for _, n := range []string{"a.service", "b.service"} {
			if f := facts[n]; f.Known() || f.At != testClock() || !strings.Contains(f.Err, n) {
				t.Errorf("%+v: %+v", b, f)
			}
		}
		if b.calls > 1 {
			t.Errorf("asked %d times", b.calls)
		}
	}
}

func TestWhoseChangesMatter(t *testing.T) {
	o := New(&fakeBus{}, testClock, Options{})
	o.Observe(t.Context(), []string{"a.service", "alias.service"})
	for id, want := range map[string][]string{"a.service": {"a.service"}, "real.service": {"alias.service"}, "c.service": nil} {
		if o.matters(id) != (want != nil) || !slices.Equal(o.asked([]string{id}), want) {
			t.Errorf("%s: %v, %v", id, o.matters(id), o.asked([]string{id}))
		}
	}
	o.SetNames([]string{"c.service", "alias.service"})
	o.Observe(t.Context(), []string{"d.service"}) // looked at once, not watched
	for id, want := range map[string]bool{"a.service": false, "real.service": true, "c.service": true, "d.service": false} {
		if o.matters(id) != want {
			t.Errorf("%s matters: %v", id, !want)
		}
	}
}

// process against a /proc of our own making is the process that runs this test.
func TestProcess(t *testing.T) {
	o := New(&fakeBus{}, testClock, Options{})
	u := state.Unit{MainPID: uint32(os.Getpid())}
	o.process(&u)
	if u.Exe == "" || u.ExeStale {
		t.Errorf("%+v", u)
	}
	gone := state.Unit{MainPID: 1 << 30}
	o.process(&gone)
	if gone.Exe != "" || gone.ExeStale {
		t.Errorf("%+v", gone)
	}
}

func TestInvocationLink(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "run/systemd/units")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	id := strings.Repeat("0af1", 8)
	os.Symlink(id, filepath.Join(dir, "invocation:good.service"))
	os.Symlink("nonsense", filepath.Join(dir, "invocation:bad.service"))
	o := New(&fakeBus{}, testClock, Options{Root: root})
	for unit, want := range map[string]string{"good.service": id, "bad.service": "", "none.service": ""} {
		if got := o.invocationLink(unit); got != want {
			t.Errorf("%s: %q", unit, got)
		}
	}
	if got := invocationID(make([]byte, 16)); got != "" {
		t.Errorf("sixteen zeros are no invocation: %q", got)
	}
}

func TestScan(t *testing.T) {
	root := t.TempDir()
	for _, f := range []string{"etc/a.service", "etc/a.service.d/x.conf", "etc/multi-user.target.wants/a.service", "run/generator/gen.service"} {
		path := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/dev/null", filepath.Join(root, "etc/masked.service")); err != nil {
		t.Fatal(err)
	}
	later, earlier := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	for _, c := range []struct {
		folder string
		before time.Time
		limit  int
		want   bool
	}{
		{"/etc", later, 100, true},
		{"/etc", earlier, 100, false},
		{"/etc", later, 2, false}, // too many to look at: no answer
		{"/nowhere", later, 100, true},
		{"/run/generator", earlier, 100, true}, // always young, and noted instead
	} {
		s := scan{root: root, before: c.before, left: c.limit, seen: map[[2]uint64]bool{}, generated: map[string]bool{}}
		if got := s.folder(c.folder); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
		if f := (freshness{known: true, generated: s.generated}); strings.Contains(c.folder, "generator") && (f.covers("gen.service") || !f.covers("a.service")) {
			t.Errorf("generated: %v", s.generated)
		}
	}
}
