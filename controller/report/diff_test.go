package report

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

func TestOneHeldEntryAnObjectAndReason(t *testing.T) {
	h := newHost(app("b"), app("a"))
	h.hold(
		state.Held{Object: "Service/b", Reason: state.Verifying, Detail: "z"},
		state.Held{Object: "Service/b", Reason: state.Backoff, Detail: "one", Until: until(10), Info: true},
		state.Held{Object: "Service/b", Reason: state.Backoff, Detail: "two", Until: until(30)},
		state.Held{Object: "Service/b", Reason: state.Backoff, Detail: "one", Until: until(20), Info: true},
		state.Held{Object: "Service/a", Reason: state.Internal, Detail: "endless", Until: until(10)},
		state.Held{Object: "Service/a", Reason: state.Internal},
		state.Held{Object: "Service/a", Reason: state.DriftHold},
		state.Held{Object: "Service/b", Reason: state.KillSwitch},
	)
	type entry struct {
		object string
		reason state.Reason
		detail string
		until  Stamp
		info   bool
	}
	var got []entry
	for _, e := range h.diff().Held {
		got = append(got, entry{e.Object, e.Reason, e.Detail, e.Until, e.Info})
	}
	want := []entry{
		{"Service/a", state.DriftHold, "", Stamp{}, false},
		{"Service/a", state.Internal, "endless", Stamp{}, false},
		{"Service/b", state.KillSwitch, "", Stamp{}, false},
		{"Service/b", state.Backoff, "one; two", At(until(30).Wall), false},
		{"Service/b", state.Verifying, "z", Stamp{}, false},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(entry{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSettled(t *testing.T) {
	for name, want := range map[string][2]bool{ // counting held, ignoring held
		"in-sync": {true, true}, "suspended-healthy": {true, true}, "observe": {false, true}, "drift": {false, false}, "gap": {true, true},
	} {
		d := cases[name]().diff()
		if got := [2]bool{d.Settled(false), d.Settled(true)}; got != want {
			t.Errorf("%s: settled %v, want %v", name, got, want)
		}
	}
	h := platform()
	h.steps(systemd("n", "Service/nginx", "send", "", state.Alert, actuators.None))
	if d := h.diff(); !d.Settled(true) || !d.InSync {
		t.Error("a notification makes a host out of sync")
	}
}

func TestListsAreNeverNull(t *testing.T) {
	h := newHost()
	h.steps(state.Step{ID: "x"})
	got := string(must(JSONLine(h.diff()))(t))
	for _, want := range []string{`"needs":[]`, `"fields":[]`, `"held":[]`, `"gaps":[]`, `"key":""`, `"diff":""`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "null") {
		t.Errorf("null in %s", got)
	}
}

func TestHistoryIsKnownOrNot(t *testing.T) {
	h := platform()
	if !h.diff().History {
		t.Error("a known past is not known")
	}
	for _, past := range []*state.Past{nil, state.UnknownPast()} {
		h.Past = past
		if d := h.diff(); d.History {
			t.Error("an unknown past is known")
		}
	}
	h.steps(state.Step{ID: "x"})
	if !strings.Contains(h.diff().Text(Style{}), "the past is not known") {
		t.Error("the text does not say that the past is not known")
	}
}

// A diff, applied as patch does, makes what lies there what is declared.
func TestDiffsCanBeApplied(t *testing.T) {
	lines := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", " ", "a", "b", "+c", "-d", "@@ -1 +1 @@", "--- x"}), 0, 40)
	rapid.Check(t, func(t *rapid.T) {
		end := rapid.SampledFrom([]string{"", "\n"})
		was := strings.Join(lines.Draw(t, "was"), "\n") + end.Draw(t, "end")
		is := strings.Join(lines.Draw(t, "is"), "\n") + end.Draw(t, "end")
		d := unified("a/x", "b/x", []byte(was), []byte(is))
		if was == is {
			if d != "" {
				t.Fatalf("a diff of the same: %q", d)
			}
			return
		}
		if strings.Contains(d, "\n \n") {
			t.Fatalf("an empty line has a trailing blank: %q", d)
		}
		if got := patched(was, d); got != is {
			t.Fatalf("%q, patched by\n%s\nis %q, not %q", was, d, got, is)
		}
	})
}

// patched applies a unified diff: what a hunk names is replaced, the rest stays.
func patched(was, d string) string {
	old := slices.Collect(strings.Lines(was))
	var out []string
	at := 0
	body := slices.Collect(strings.Lines(d))[2:]
	for i := 0; i < len(body); i++ {
		line := body[i]
		last := i+1 < len(body) && strings.HasPrefix(body[i+1], "\\")
		switch {
		case strings.HasPrefix(line, "@@ -") && len(line) > 4:
			var from int
			_, _ = fmt.Sscanf(line, "@@ -%d", &from)
			for ; at < from-1; at++ {
				out = append(out, old[at])
			}
		case line == "\n", line[0] == ' ':
			out = append(out, old[at])
			at++
		case line[0] == '-':
			at++
		case line[0] == '+':
			if line = line[1:]; last {
				line = strings.TrimSuffix(line, "\n")
			}
			out = append(out, line)
		}
	}
	return strings.Join(append(out, old[at:]...), "")
}

func TestDiffsReadWhatLiesThere(t *testing.T) {
	h := drift()
	asked := []string{}
	NewDiff(h.Want, h.Have, h.Past, h.Plan, func(p string) ([]byte, error) {
		asked = append(asked, p)
		return h.content(p)
	})
	if d := cmp.Diff([]string{"/etc/systemd/system/pakashop-backend.service"}, asked); d != "" {
		t.Errorf("read (-want +got):\n%s", d)
	}
}

func TestWhenContentCannotBeRead(t *testing.T) {
	path := "/etc/systemd/system/pakashop-backend.service"
	for _, c := range []struct {
		name string
		bend func(h *host)
		want string
	}{
		{"gone meanwhile", func(h *host) { delete(h.disk, path) }, "--- /dev/null\n+++ b" + path},
		{"no permission", func(h *host) { h.deny[path] = &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission} }, "changed (sha256 "},
		{"a bad disk", func(h *host) { h.deny[path] = errors.New("input/output error") }, "changed (sha256 "},
		{"a symlink", func(h *host) {
			h.Have.Files[path] = state.Fact[state.File]{At: moment(0), Value: state.File{Kind: state.Symlink, Link: "/dev/null"}}
		}, "changed (absent → sha256 "},
		{"empty", func(h *host) { h.file(path, "", 0o644) }, "--- a" + path},
	} {
		h := drift()
		c.bend(h)
		if got := h.diff().Steps[0].Diff; !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q…", c.name, got, c.want)
		}
	}
	h := drift()
	if got := NewDiff(h.Want, h.Have, h.Past, h.Plan, nil).Steps[0].Diff; !strings.HasSuffix(got, ", not read") {
		t.Errorf("without a reader: %q", got)
	}
}

// Over the socket nobody sees a diff of a file that they could not read.
func TestConceal(t *testing.T) {
	h := drift()
	s := &h.Want.Services[4]
	s.Files = append(s.Files, *artifact("/etc/pakashop/new", []byte("x\n"), 0o640), *artifact("/etc/pakashop/public", []byte("y\n"), 0o644))
	for i := range s.Files {
		h.absent(s.Files[i].Path)
		h.steps(write(*s, s.Files[i], state.FileDrift, ""))
	}
	h.hold(state.Held{Object: "Service/pakashop-backend", Reason: state.ObserveOnly, Fields: []state.Field{{Path: h.Plan.Steps[0].Action.Target + ":content"}}})
	d := h.diff()
	shown := func(d Diff) []bool {
		var out []bool
		for _, s := range d.Steps {
			out = append(out, strings.Contains(s.Diff, "@@"))
		}
		return append(out, len(d.Held[0].Diffs) > 0)
	}
	// an edited unit file, reload, restart, a new file 0640, one 0644, and a held one
	if got := shown(d); !cmp.Equal(got, []bool{true, false, false, true, true, true}) {
		t.Errorf("for root: %v", got)
	}
	hidden := d.Conceal(func(string) bool { return false })
	if got := shown(hidden); !cmp.Equal(got, []bool{false, false, false, false, true, false}) {
		t.Errorf("for a stranger: %v", got)
	}
	if got := hidden.Steps[0].Diff; !strings.HasSuffix(got, ", not readable by you") {
		t.Errorf("a stranger reads %q", got)
	}
	if got := shown(d.Conceal(func(string) bool { return true })); !got[0] {
		t.Errorf("who may read does not: %v", got)
	}
	if !shown(d)[0] {
		t.Error("Conceal changed the diff that it was asked of")
	}
}

// A step in flight may write what an older revision declared.
func TestAWriteThatIsNoLongerDeclared(t *testing.T) {
	h := platform()
	h.steps(state.Step{ID: "old", Object: "Service/gone", Action: actuators.Action{
		Actuator: "file", Verb: "write", Target: "/etc/gone", Args: map[string]string{"digest": state.Digest([]byte("x"))},
	}})
	if got, want := h.diff().Steps[0].Diff, "changed (absent → sha256 2d711642)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAHostsFileIsNeverContent(t *testing.T) {
	s := app("x")
	s.Files = []desired.Artifact{{Path: "/etc/x", Host: true, Sensitive: true, Mode: 0o600}}
	h := newHost(s)
	h.file("/etc/x", canary(0), 0o644)
	st := write(s, s.Files[0], state.FileDrift, state.Digest([]byte(canary(0))))
	h.steps(st)
	h.hold(state.Held{Object: s.Object(), Reason: state.DriftHold, Fields: []state.Field{{Path: "/etc/x:kind"}, {Path: "/etc/nowhere:content"}}})
	d := h.diff()
	if d.Steps[0].Diff != "" || d.Held[0].Diffs != nil {
		t.Errorf("shown: %q, %q", d.Steps[0].Diff, d.Held[0].Diffs)
	}
}

func TestNumbersOfWhatComesFirst(t *testing.T) {
	numbers := map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 7, "f": 8}
	for want, needs := range map[string][]string{
		"": nil, "1": {"a"}, "1, 2": {"b", "a"}, "1-3": {"a", "b", "c"}, "1-4, 7, 8": {"f", "e", "d", "c", "b", "a"}, "2, elsewhere": {"elsewhere", "b"},
	} {
		if got := (Step{Needs: needs}).after(numbers); got != want {
			t.Errorf("after %v: %q, want %q", needs, got, want)
		}
	}
}

func TestMarks(t *testing.T) {
	for _, c := range []struct {
		step Step
		want string
	}{
		{Step{Verb: "start"}, "+"},
		{Step{Verb: "enable"}, "+"},
		{Step{Verb: "stop"}, "-"},
		{Step{Verb: "remove"}, "-"},
		{Step{Verb: "mask"}, "-"},
		{Step{Verb: "restart"}, "~"},
		{Step{Verb: "write", Diff: "--- a/x\n"}, "~"},
		{Step{Verb: "write", Diff: "--- /dev/null\n"}, "+"},
	} {
		if got, _ := c.step.mark(); got != c.want {
			t.Errorf("%s: %s, want %s", c.step.Verb, got, c.want)
		}
	}
}
