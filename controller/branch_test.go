package controller_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/turn"
	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// branch is a Source that follows a branch, all of whose revisions are at hand.
type branch struct {
	source
	revisions map[string]*desired.Set
	standing  state.Source
	kept      []string
	lost      error // Revision fails with it
	mu        sync.Mutex
}

func (b *branch) Revision(_ context.Context, name string) (*desired.Set, []string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	set, ok := b.revisions[name]
	if b.lost != nil || !ok {
		return nil, nil, fmt.Errorf("revision %s: %w", name, b.lost)
	}
	return set, nil, nil
}

func (b *branch) Standing() state.Source {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.standing
}

func (b *branch) Keep(names []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = names
}

// lose has revisions that are asked for be unreadable, or readable again.
func (b *branch) lose(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = err
}

func (b *branch) wants(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.standing.Wanted = name
}

// push puts a commit on the branch.
func (r *rig) push(name, yaml string) {
	r.t.Helper()
	set := r.revision(name, yaml)
	r.branch.mu.Lock()
	r.branch.standing = state.Source{Wanted: name, Branch: "production", Subject: "change " + name, Time: time.Now()}
	r.branch.mu.Unlock()
	r.branch.offer(set, nil)
}

func (r *rig) revision(name, yaml string) *desired.Set {
	r.t.Helper()
	set := declare(r.t, yaml)
	set.Revision, set.Rollout.ConfirmAfter = name, desired.Duration(4*time.Minute)
	set.Policy.Actions = map[string]string{"rollback": desired.Auto, "git": desired.Auto, "exec": desired.Auto}
	set.Policy.Exec = []desired.PolicyExec{{Argv0: "/bin/verify", User: "nobody"}}
	r.branch.mu.Lock()
	defer r.branch.mu.Unlock()
	r.branch.revisions[name] = set
	return set
}

// git is an actuator that notes what it was asked to revert.
type git struct {
	mu   sync.Mutex
	asks []actuators.Request
	fail error
}

func (g *git) Info(context.Context) (actuators.Info, error) {
	return actuators.Info{Name: "git", Verbs: []actuators.Verb{{Name: "revert", Effect: actuators.None, Args: []string{"commit", "base", "at", "host", "why"}}}}, nil
}

func (g *git) Apply(_ context.Context, r actuators.Request) (actuators.Result, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asks = append(g.asks, r)
	return actuators.Result{Changed: true}, g.fail
}

// program is an actuator that runs a program which ends as a test says.
type program struct {
	mu   sync.Mutex
	ends []error // of the next runs; then it ends well
	runs int
}

func (p *program) Info(context.Context) (actuators.Info, error) {
	return actuators.Info{Name: "exec", Verbs: []actuators.Verb{{Name: "run", Effect: actuators.Disruptive, Args: []string{"argv", "timeout"}}}}, nil
}

func (p *program) Apply(context.Context, actuators.Request) (actuators.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs++
	if len(p.ends) == 0 {
		return actuators.Result{Changed: true}, nil
	}
	err := p.ends[0]
	p.ends = p.ends[1:]
	return actuators.Result{}, err
}

// follow makes the rig follow a branch whose first commit is r1.
func follow(t *testing.T, yaml string) *rig {
	r := newRig(t, yaml)
	r.branch = &branch{revisions: map[string]*desired.Set{}}
	r.branch.changed = make(chan struct{})
	r.branch.set = r.revision("r1", yaml)
	r.branch.standing = state.Source{Wanted: "r1", Branch: "production"}
	r.git, r.program = &git{}, &program{}
	r.more = map[string]actuators.Actuator{"revision": turn.Revision("test"), "git": r.git, "exec": r.program}
	return r
}

// judged stops the controller, and has its record judged.
func (r *rig) judged() {
	r.t.Helper()
	r.stop()
	want := func(revision string) *desired.Set {
		if r.branch == nil {
			return r.source.set
		}
		return r.branch.revisions[revision]
	}
	if err := audit.Check(r.store.entries, r.host.Now(), audit.Options{Want: want}); err != nil {
		r.t.Errorf("%v\n%s", err, r.history())
	}
	if r.branch == nil {
		r.asThen()
	}
}

func (r *rig) past() *state.Past {
	r.t.Helper()
	v, err := r.control.View(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return v.Past
}

// inForce fails unless a revision is in force, and provisional or not.
func (r *rig) inForce(name string, provisional bool) {
	r.t.Helper()
	p := r.past()
	if p.Revision.Name != name || (p.Provisional != nil) != provisional {
		r.t.Fatalf("%s is in force, provisional %+v; want %s, provisional %v\n%s\nhistory:\n%s", p.Revision.Name, p.Provisional, name, provisional, r.plan(), r.history())
	}
}

func (r *rig) rollbacks() (n int) { return r.store.did("revision.rollback") }

// estate is what the tests of this file begin with: web rests on db, the others on
// nothing.
func estate(web string, more ...string) string {
	return service("db", live, ready) + strings.Replace(service("web", append([]string{live, ready, "dependsOn: [db]"}, more...)...), "/bin/web", "/bin/"+web, 1) + service("mail", live) + service("list", live) + service("news", live)
}
