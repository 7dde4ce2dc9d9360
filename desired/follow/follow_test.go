package follow_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/follow"
	"github.com/pakashop/evenkeel/desired/git"
	"github.com/pakashop/evenkeel/desired/read"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// branch is a branch whose heads a test pushes.
type branch struct {
	mu    sync.Mutex
	head  git.Head
	err   error
	floor []string // what the branch had to descend from, of all fetches
	asked int
}

func (b *branch) Fetch(_ context.Context, floor ...string) (git.Head, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.floor, b.asked = append(b.floor, floor...), b.asked+1
	return b.head, b.err
}

func (b *branch) push(t *testing.T, n int, files map[string]string) string {
	t.Helper()
	c := git.Commit{ID: fmt.Sprintf("%040d", n), Author: "Amina <a@example.org>", Subject: fmt.Sprintf("change %d", n)}
	content := make(map[string][]byte, len(files))
	for name, text := range files {
		content[name] = []byte(text)
	}
	tree, err := git.NewTree(c, content)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	b.head, b.err = git.Head{Branch: c, Tree: tree, Remote: "origin"}, nil
	b.mu.Unlock()
	return c.ID
}

func (b *branch) fail(err error) {
	b.mu.Lock()
	b.err = err
	b.mu.Unlock()
}

// services are the files of so many services.
func services(names ...string) map[string]string {
	files := map[string]string{"environment.yaml": "apiVersion: evenkeel.dev/v1\nkind: Environment\nmetadata: {name: production}\nspec: {branch: production}\n"}
	for _, n := range names {
		files[n+".yaml"] = "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: " + n + "}\n"
	}
	return files
}

func with(files map[string]string, name, content string) map[string]string {
	out := maps.Clone(files)
	out[name] = content
	return out
}

// rig is a Follower of a branch.
type rig struct {
	*follow.Follower
	branch *branch
	policy desired.Policy
	dir    string
}

// opens brings the first revision, at once.
func (r *rig) opens(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if err := r.Open(ctx, cancel); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, b *branch, dir string, known ...string) *rig {
	t.Helper()
	r := &rig{branch: b, dir: dir, policy: desired.BuiltInPolicy()}
	r.policy.Host = desired.Host{Name: "app-1", Environment: "production"}
	shelf, err := git.OpenShelf(dir)
	if err != nil {
		t.Fatal(err)
	}
	r.Follower = follow.New(follow.Options{
		Branch: b, Name: "production", Shelf: shelf, Log: slog.New(slog.DiscardHandler), Interval: 10 * time.Millisecond, Known: known,
		Policy: func() (desired.Policy, error) { return r.policy, nil },
		Load: func(_ context.Context, tree *git.Tree, p desired.Policy) (*desired.Set, read.Problems, error) {
			set, problems := read.Load([]string{"."}, read.Options{FS: tree, Revision: tree.Commit.ID, Policy: p})
			return set, problems, nil
		},
	})
	return r
}

// looks has the branch looked at once, and tells whether it stands otherwise.
func (r *rig) looks(t *testing.T) (changed bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.branch.mu.Lock()
	was := r.branch.asked
	r.branch.mu.Unlock()
	told := make(chan struct{}, 64)
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Watch(ctx, func() { told <- struct{}{} }) })
	for asked := was; asked < was+2; { // the second look begins when the first is over
		time.Sleep(time.Millisecond)
		r.branch.mu.Lock()
		asked = r.branch.asked
		r.branch.mu.Unlock()
	}
	cancel()
	wg.Wait()
	return len(told) > 0
}

func (r *rig) loads(t *testing.T, want string) *desired.Set {
	t.Helper()
	set, _, err := r.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if set.Revision != want {
		t.Fatalf("it loads %s, want %s; it stands: %+v", set.Revision, want, r.Standing())
	}
	return set
}

// A commit is taken as a whole or not at all, and each refusal says why.
func TestWhatIsTaken(t *testing.T) {
	good := services("web", "api", "db", "mail")
	for name, c := range map[string]struct {
		files map[string]string
		err   error
		why   follow.Refusal
		says  string
	}{
		"another unit":            {with(good, "web.yaml", good["web.yaml"]+"spec: {unit: other.service}\n"), nil, "", ""},
		"not YAML":                {with(good, "web.yaml", "kind: ["), nil, follow.Invalid, "web.yaml:1:"},
		"two errors":              {with(with(good, "web.yaml", "kind: ["), "api.yaml", "kind: ["), nil, follow.Invalid, "and 1 more"},
		"nothing at all":          {map[string]string{"README": "x"}, nil, follow.Invalid, "no YAML"},
		"one of four is gone":     {services("web", "api", "db"), nil, "", ""},
		"two of four are gone":    {services("web", "api"), nil, follow.Shrunk, "2 of 4 services"},
		"all are gone":            {services(), nil, follow.Shrunk, "4 of 4 services"},
		"it is another branch's":  {with(good, "environment.yaml", strings.Replace(good["environment.yaml"], "branch: production", "branch: main", 1)), nil, follow.Untrusted, "follows the branch main"},
		"it is not signed":        {nil, &git.Refused{Kind: git.Unsigned, Ref: "production", Commit: "c2", Detail: "it bears no signature"}, follow.Untrusted, "no signature"},
		"it has another history":  {nil, &git.Refused{Kind: git.Rewritten, Ref: "production", Detail: "the branch has another history"}, follow.Untrusted, "another history"},
		"no remote can be asked":  {nil, &git.Unreachable{Causes: []git.Cause{{Remote: "origin", Why: "no route"}}}, "", ""},
		"something is wrong here": {nil, errors.New("no space left on device"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := &branch{}
			r := open(t, b, t.TempDir())
			first := b.push(t, 1, good)
			r.opens(t)
			want, wanted := first, true
			if c.err != nil {
				b.fail(c.err)
			} else if second := b.push(t, 2, c.files); c.why == "" {
				want = second
			}
			if changed := r.looks(t); changed != wanted {
				t.Errorf("it stands otherwise: %v", changed)
			}
			s := r.Standing()
			if s.Wanted.ID != want || s.Refused != c.why || !strings.Contains(s.Detail, c.says) || (s.Detail == "") != (c.why == "") {
				t.Errorf("it stands: %+v", s)
			}
			if silent := c.err != nil && c.why == ""; (s.Silent != "") != silent {
				t.Errorf("silent: %q", s.Silent)
			}
			r.loads(t, want)
			b.floor = nil
			third := b.push(t, 3, good)
			r.looks(t)
			r.loads(t, third)
			if s := r.Standing(); s.Refused != "" || s.Detail != "" || s.Silent != "" || s.Commit != "" {
				t.Errorf("it goes on, and what was is still said: %+v", s)
			}
			if !slices.Contains(b.floor, want) {
				t.Errorf("the branch need not descend from what was believed: %v", b.floor)
			}
		})
	}
}

// The last good revision outlives the remote, the mirror and the process; those that
// are to be kept can be read again, for the policy as it is.
func TestWhatIsKept(t *testing.T) {
	b, dir := &branch{}, t.TempDir()
	r := open(t, b, dir)
	first := b.push(t, 1, services("web"))
	r.opens(t)
	second := b.push(t, 2, services("web", "api"))
	r.looks(t)
	r.Keep([]string{first})
	b.fail(&git.Unreachable{Causes: []git.Cause{{Remote: "origin", Why: "no route"}}})

	again := open(t, b, dir)
	again.opens(t)
	again.loads(t, second)
	if s := again.Standing(); s.Silent == "" || s.Wanted.Subject != "change 2" {
		t.Errorf("it stands: %+v", s)
	}
	again.policy.Mode = desired.Observe
	if set := again.loads(t, second); set.Policy.Mode != desired.Observe {
		t.Errorf("the policy of before: %+v", set.Policy)
	}
	set, _, err := again.Revision(context.Background(), first)
	if err != nil || set.Revision != first || len(set.Services) != 1 || set.Policy.Mode != desired.Observe {
		t.Errorf("%+v, %v", set, err)
	}
	again.Keep(nil)
	if _, _, err := again.Revision(context.Background(), first); err == nil {
		t.Error("what nobody wants any more is still there")
	}
	if _, _, err := again.Revision(context.Background(), second); err != nil {
		t.Errorf("the newest is gone: %v", err)
	}
}

// Before there is anything to keep a host by, it waits, and says why.
func TestItWaitsForTheFirst(t *testing.T) {
	b := &branch{err: &git.Unreachable{Causes: []git.Cause{{Remote: "origin", Why: "no route"}}}}
	r := open(t, b, t.TempDir())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var first string
	err := r.Open(ctx, func(why error) {
		if !strings.Contains(why.Error(), "no route") {
			t.Errorf("it waits because of %v", why)
		}
		first = b.push(t, 1, services("web"))
		r.Hint()
	})
	if err != nil {
		t.Fatal(err)
	}
	r.loads(t, first)
}
