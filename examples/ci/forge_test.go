package ci

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const token = "t0ken"

// strangers is how many comments of others there are before ours.
const strangers = 130

// forge keeps the comments of one change as GitHub and GitLab do, in pages.
type forge struct {
	*httptest.Server
	t        *testing.T
	mu       sync.Mutex
	comments []comment
}

type comment struct {
	ID     int               `json:"id"`
	Body   string            `json:"body"`
	User   map[string]string `json:"user"`   // GitHub's
	Author map[string]any    `json:"author"` // GitLab's
}

// newForge has two pages of comments, of which some begin as ours do.
func newForge(t *testing.T) *forge {
	f := &forge{t: t}
	for i := range strangers {
		body := "looks good"
		if i%2 == 0 {
			body = "<!-- evenkeel-review -->\n### evenkeel: nothing changes"
		}
		f.comments = append(f.comments, comment{ID: i + 1, Body: body, User: map[string]string{"login": "mallory"}, Author: map[string]any{"id": 66}})
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+token && r.Header.Get("Private-Token") != token {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	var sent comment
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			f.t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
	}
	var answer any
	github, gitlab := "/repos/shop/deploy/issues/", "/api/v4/projects/3/merge_requests/7/notes"
	switch where := r.Method + " " + r.URL.Path; {
	case where == "GET /api/v4/user":
		answer = map[string]int{"id": 42}
	case where == "GET "+github+"7/comments", where == "GET "+gitlab:
		answer = f.page(r)
	case where == "POST "+github+"7/comments", where == "POST "+gitlab:
		sent.ID = len(f.comments) + 1
		sent.User, sent.Author = map[string]string{"login": "github-actions[bot]"}, map[string]any{"id": 42}
		f.comments = append(f.comments, sent)
		w.WriteHeader(http.StatusCreated)
	case strings.HasPrefix(where, "PATCH "+github+"comments/"), strings.HasPrefix(where, "PUT "+gitlab+"/"):
		var id int
		_, _ = fmt.Sscan(filepath.Base(r.URL.Path), &id)
		if id < 1 || id > len(f.comments) {
			http.NotFound(w, r)
			return
		}
		f.comments[id-1].Body = sent.Body
	default:
		f.t.Errorf("asked for %s", where)
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (f *forge) page(r *http.Request) []comment {
	var n, size int
	_, _ = fmt.Sscan(r.URL.Query().Get("page"), &n)
	_, _ = fmt.Sscan(r.URL.Query().Get("per_page"), &size)
	from := min((n-1)*size, len(f.comments))
	return append([]comment{}, f.comments[from:min(from+size, len(f.comments))]...)
}

// mine are the comments that the pipeline made.
func (f *forge) mine() (bodies []string) {
	for _, c := range f.comments[strangers:] {
		bodies = append(bodies, c.Body)
	}
	return bodies
}

// others counts what is left as it was of strangers' comments, twice: by their
// number, and by those that still say what they said.
func (f *forge) others() (n int) {
	for i, c := range f.comments[:strangers] {
		n++
		if (i%2 == 0) == strings.HasSuffix(c.Body, "\n### evenkeel: nothing changes") && c.User["login"] == "mallory" {
			n++
		}
	}
	return n
}

// repository is a clone in which a change is reviewed.
type repository struct {
	t       *testing.T
	work    string
	scratch string // beside it: what the forge gives a job to write to
	folder  string
	base    string // what is there
	change  string // the head of the change
	merged  string // of it and the base
}

func newRepository(t *testing.T) repository {
	dir := t.TempDir()
	r := repository{t: t, work: filepath.Join(dir, "repository"), scratch: filepath.Join(dir, "scratch"), folder: "deploy"}
	for _, d := range []string{r.work, r.scratch} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.git("init", "-q", "-b", "main")
	r.write("deploy/shop.yaml", shop("/opt/shop"))
	r.write("deploy/environments.yaml", environment("production")+"---\n"+environment("staging"))
	r.write("deploy/environments/staging/shop.yaml", "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: shop}\nspec: {severity: P4}\n")
	r.git("add", "-A")
	r.git("commit", "-qm", "base")
	r.base = r.git("rev-parse", "HEAD")
	r.git("checkout", "-q", "-b", "change")
	r.change = r.base
	return r
}

func shop(program string) string {
	return "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: shop}\nspec:\n  unitFile: {content: \"[Service]\\nExecStart=" + program + "\\n[Install]\\nWantedBy=multi-user.target\\n\"}\n"
}

func environment(name string) string {
	return "apiVersion: evenkeel.dev/v1\nkind: Environment\nmetadata: {name: " + name + "}\nspec: {domain: " + name + ".example}\n"
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.work
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.work, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repository) write(name, content string) {
	r.t.Helper()
	p := filepath.Join(r.work, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// commit adds to the change, and has the forge merge it with what is there.
func (r *repository) commit(subject string) {
	r.t.Helper()
	r.git("add", "deploy")
	r.git("commit", "-qm", subject)
	r.change = r.git("rev-parse", "HEAD")
	r.git("checkout", "-q", "--detach", "main")
	r.git("merge", "-q", "--no-ff", "-m", "merge", "change")
	r.merged = r.git("rev-parse", "HEAD")
	r.git("checkout", "-q", "change")
}

// checkout takes a branch, or a commit and no branch, as a forge's runner does.
func (r *repository) checkout(what string) {
	r.t.Helper()
	r.git("checkout", "-q", what)
}

var built struct {
	sync.Once
	path string
	err  error
}

// program builds evenkeel, once.
func program(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "evenkeel-ci-")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "evenkeel")
		build := exec.Command("go", "build", "-o", built.path, "../../cmd/evenkeel")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}
