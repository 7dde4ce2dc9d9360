package live_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// change is a line of `changes -o json`.
type change struct {
	Time                        time.Time
	Source, Object, What, Actor string
}

// changed reads the time line.
func (b box) changed(args ...string) (all []change) {
	b.Helper()
	r := b.must(0, append([]string{"changes", "-o", "json"}, args...)...)
	if r.err != "" {
		b.Errorf("changes says on stderr: %s", r.err)
	}
	for line := range strings.Lines(r.out) {
		var c change
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			b.Fatalf("changes: %v: %s", err, line)
		}
		all = append(all, c)
	}
	if !slices.IsSortedFunc(all, func(x, y change) int { return x.Time.Compare(y.Time) }) {
		b.Errorf("the time line is not in order:\n%s", r.out)
	}
	return all
}

// with lists what some lines say: those of one source about one object.
func with(all []change, source, object string) (what []string) {
	for _, c := range all {
		if c.Source == source && c.Object == object {
			what = append(what, c.What)
		}
	}
	return what
}

// One time line of our steps and a human's; our own are told once.
func TestChanges(t *testing.T) {
	t.Parallel()
	b := boot(t, "changes")
	b.declare("web", service("web", sleeper(), patient, `files: [{path: /etc/web/web.env, content: "A=1\n"}]`))
	b.declare("cron", service("other", sleeper()))
	b.keep()
	b.well("web", "other")
	b.sh("systemctl restart other")
	b.write("/run/systemd/system/theirs.service", sleeper())
	b.sh("systemctl daemon-reload && systemctl start theirs")
	b.until("the journal has told of theirs", func() string {
		if with(b.changed(), "systemctl", "theirs.service") == nil {
			return "not yet"
		}
		return ""
	})
	check := func(all []change) {
		t.Helper()
		for _, c := range []struct {
			source, object string
			want           []string
		}{
			{"systemctl", "other.service", []string{"restarted"}},
			{"systemctl", "theirs.service", []string{"started"}},
			{"systemctl", "dbus.socket", nil}, // that was the boot
			{"systemctl", "web.service", nil}, // that was evenkeel
			{"file", "/run/systemd/system/theirs.service", []string{"written"}},
			{"file", unitDir + "/web.service", nil},
			{"file", unitDir + "/multi-user.target.wants/web.service", nil},
			{"file", "/etc/web/web.env", nil},
		} {
			if got := with(all, c.source, c.object); !slices.Equal(got, c.want) {
				t.Errorf("of %s %s it says %q, want %q", c.source, c.object, got, c.want)
			}
		}
		own := with(all, "evenkeel", "Service/web")
		for _, want := range []string{"file.write /etc/web/web.env: done", "systemd.start web.service: done"} {
			if !slices.ContainsFunc(own, func(s string) bool { return strings.HasPrefix(s, want) }) {
				t.Errorf("of Service/web it says %q, and not %q", own, want)
			}
		}
		if !slices.ContainsFunc(all, func(c change) bool { return c.What == "in force, 2 services" && strings.HasPrefix(c.Object, "sha256:") }) {
			t.Error("the revision in force is not told")
		}
		if with(all, "boot", "host") == nil {
			t.Error("the boot is not told")
		}
	}
	check(b.changed())
	b.sh("systemctl stop evenkeel")
	check(b.changed()) // from the record

	if all := b.changed("-n", "3"); len(all) != 3 {
		t.Errorf("-n 3 gives %d", len(all))
	}
	if r := b.must(0, "changes", "--since", "1h"); !strings.Contains(r.out, "theirs.service") || !strings.HasPrefix(r.out, "TIME") {
		t.Errorf("as text:\n%s", r.out)
	}
	// A source that cannot be read is named, and the rest is there.
	b.sh("mkdir -p /var/log && mv /usr/bin/journalctl /usr/bin/journalctl.away")
	r := b.must(0, "changes")
	for _, source := range []string{"login", "systemctl", "boot"} {
		if !strings.Contains(r.err, "not read: "+source+": ") {
			t.Errorf("that %s is not read is not said: %s", source, r.err)
		}
	}
	if !strings.Contains(r.out, "Service/web") || !strings.Contains(r.out, "theirs.service") {
		t.Errorf("without a journal:\n%s", r.out)
	}
}
