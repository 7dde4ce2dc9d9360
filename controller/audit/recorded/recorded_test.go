package recorded_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/controller/audit/recorded"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/record"
)

const web = "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {limits: {restarts: 2, per: 30m, backoff: [1s]}}\n"

// A record is judged by what was declared at its revisions, where that is known.
func TestJudge(t *testing.T) {
	folder, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "web.yaml"), []byte(web), 0o644); err != nil {
		t.Fatal(err)
	}
	o := read.Options{Policy: desired.BuiltInPolicy(), Host: desired.Host{Name: "app-1"}}
	var d recorded.Declared
	d.Load(folder, o)
	set, problems := read.Load([]string{folder}, o)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if err := recorded.Judge(dir, &d); err != nil {
		t.Errorf("no record: %v", err)
	}
	s, err := record.Open(dir, record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := state.Time{Wall: time.Now(), Up: time.Hour, Boot: "b1"}
	for i := range 3 {
		at = at.Add(time.Minute)
		step := state.Step{ID: string(rune('a' + i)), Object: "Service/web", Remedial: true, Action: actuators.Action{Actuator: "systemd", Verb: "start", Target: "web.service"}}
		_, err := s.Append([]state.Entry{
			{At: at, Intent: &state.Intent{Step: step, Revision: set.Revision}},
			{At: at, Outcome: &state.Outcome{ID: step.ID, Status: state.Done}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := recorded.Judge(dir, &d); !errors.Is(err, record.ErrLocked) {
		t.Errorf("while it is written: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var b *audit.Breach
	if err := recorded.Judge(dir, &d); !errors.As(err, &b) || b.Rule != "budget" {
		t.Errorf("found %v; want the third repair", err)
	}
	o.Policy.Protect = []string{"x.service"}
	d.Load(folder, o)
	if err := recorded.Judge(dir, &d); err != nil {
		t.Errorf("under two policies: %v", err)
	}
	if err := recorded.Judge(dir, nil); err != nil {
		t.Errorf("without what was declared: %v", err)
	}
}
