package apart

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/powerless"
	"github.com/pakashop/evenkeel/desired/read"
)

const oneService = "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n"

// misbehaving children, by what they do. A bug in the parser might make any of
// them of the real one.
var misbehaving = map[string]func(in io.Reader, out io.Writer){
	"dies":      func(io.Reader, io.Writer) { fmt.Fprintln(os.Stderr, "no\tmore"); os.Exit(7) },
	"panics":    func(io.Reader, io.Writer) { panic("a defect") },
	"is killed": func(in io.Reader, _ io.Writer) { heard(in); _ = unix.Kill(os.Getpid(), unix.SIGKILL); select {} },
	"hangs":     func(in io.Reader, _ io.Writer) { heard(in); hang() },
	"is deaf":   func(io.Reader, io.Writer) { hang() },
	"floods": func(_ io.Reader, out io.Writer) {
		for {
			if _, err := out.Write(bytes.Repeat([]byte("flood "), 1000)); err != nil {
				os.Exit(1)
			}
		}
	},
	"says too much": func(in io.Reader, out io.Writer) {
		heard(in)
		_, _ = out.Write([]byte{answer, 255, 255, 255, 255})
		hang()
	},
	"asks for ever": func(in io.Reader, out io.Writer) {
		heard(in)
		for f := (&files{in: in, out: out}); ; {
			_, _ = f.Open("big")
		}
	},
	"asks outside": func(in io.Reader, out io.Writer) {
		heard(in)
		for _, name := range []string{"/etc/passwd", "../../../etc/passwd", "a/../../etc/passwd", ""} {
			if _, err := (&files{in: in, out: out}).Open(name); err == nil {
				fmt.Fprintln(os.Stderr, "was given", name)
				os.Exit(1)
			}
		}
		told{Problems: []problem{{Message: "nothing was given"}}}.send(out)
	},
	"stutters":     func(in io.Reader, out io.Writer) { heard(in); _ = send(out, answer, []byte("nonsense")); hang() },
	"boasts":       func(in io.Reader, out io.Writer) { heard(in); _ = send(out, answer, boast()); hang() },
	"says nothing": func(in io.Reader, out io.Writer) { heard(in); told{}.send(out) },
	"contradicts": func(in io.Reader, out io.Writer) {
		heard(in)
		told{Set: &desired.Set{}, Problems: []problem{{}}}.send(out)
	},
	"presumes":          func(in io.Reader, out io.Writer) { heard(in); told{Set: presumed()}.send(out) },
	"eats":              func(io.Reader, io.Writer) { mustConfine(); eat() },
	"burns":             func(io.Reader, io.Writer) { mustConfine(); go burn(); burn() },
	"tries what it can": func(in io.Reader, out io.Writer) { told{Problems: attempts(in)}.send(out) },
}

func misbehave() bool {
	if len(os.Args) != 3 || os.Args[1] != "misbehave" {
		return false
	}
	misbehaving[os.Args[2]](os.Stdin, os.Stdout)
	return true
}

// heard reads the question.
func heard(in io.Reader) {
	if _, _, err := receive(in, map[byte]int{question: maxAsk}); err != nil {
		panic(err)
	}
}

func hang() { time.Sleep(time.Hour) }

// send answers, and waits until it was heard.
func (t told) send(out io.Writer) {
	b, err := pack(t)
	if err == nil {
		err = send(out, answer, b)
	}
	if err != nil {
		panic(err)
	}
	hang()
}

func mustConfine() {
	if err := confine(); err != nil {
		panic(err)
	}
}

func eat() {
	for all := []byte{1}; ; {
		all = append(all, all...)
	}
}

func burn() {
	for n := 0; ; n++ {
		_ = n
	}
}

// boast is an answer of few bytes that would be much in memory: a Set of millions
// of services.
func boast() []byte {
	p := packer{open: map[reflect.Type]bool{}}
	p.mark(present) // the Set
	for range 2 {
		p.text("")
	}
	p.value(zero(desired.Host{}))
	p.value(zero(desired.Policy{}))
	p.mark(absent) // no objects
	p.mark(present)
	p.number(40 << 20)
	return append(p.out, make([]byte, 41<<20)...)
}

// presumed is a Set for another host, under a policy of the child's own.
func presumed() *desired.Set {
	return &desired.Set{
		Revision: "another", Environment: "another", Host: desired.Host{Name: "another"},
		Policy: desired.Policy{Mode: desired.Enforce, Units: []string{"*"}, Paths: []string{"/**"}},
	}
}

// attempts is what a confined child tries, and what comes of it.
func attempts(in io.Reader) []problem {
	var list []problem
	say := func(what string, of any) { list = append(list, problem{Message: fmt.Sprint(what, ": ", of)}) }
	cwd, _ := os.Getwd()
	groups, _ := os.Getgroups()
	say("folder", cwd)
	say("environment", len(os.Environ()))
	say("groups", len(groups))
	say("user", os.Geteuid())
	mustConfine()
	heard(in)
	try := func(what string, do func() error) { say(what, do()) }
	try("read a file", func() error { _, err := os.ReadFile("/etc/hostname"); return plain(err) })
	try("write a file", func() error { return plain(os.WriteFile("/tmp/evenkeel-apart-was-here", nil, 0o600)) })
	try("list a folder", func() error { _, err := os.ReadDir("/tmp"); return plain(err) })
	try("start a program", func() error { _, err := exec.Command("/bin/true").Output(); return plain(err) })
	try("become root", func() error { return errno(unix.SYS_SETUID, 0) })
	try("signal its parent", func() error { return unix.Kill(os.Getppid(), 0) })
	try("signal a thread of its parent", func() error { return unix.Tgkill(os.Getppid(), os.Getppid(), 0) })
	try("look into its parent", func() error { return errno(unix.SYS_PTRACE, unix.PTRACE_ATTACH, uintptr(os.Getppid())) })
	try("fork", func() error { return errno(unix.SYS_CLONE, uintptr(unix.SIGCHLD)) })
	try("connect", func() error { _, err := net.Dial("unix", "/run/systemd/private"); return inner(err) })
	try("open a socket", func() error { _, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); return err })
	try("raise a limit", func() error {
		return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	})
	return list
}

func errno(call uintptr, args ...uintptr) error {
	args = append(args, 0, 0, 0)
	if _, _, no := syscall.RawSyscall(call, args[0], args[1], args[2]); no != 0 {
		return no
	}
	return nil
}

func inner(err error) error {
	var no syscall.Errno
	for e := err; e != nil; {
		if x, ok := e.(syscall.Errno); ok {
			no = x
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	if no != 0 {
		return no
	}
	return err
}

// children that misbehave.
func hostile(how string) reader {
	r := children()
	r.args = []string{"evenkeel", "misbehave", how}
	return r
}

// Whatever becomes of a child, who asked lives, is told, and nothing is left.
func TestWhateverAChildDoes(t *testing.T) {
	for how, says := range map[string]string{
		"dies":          "its reader ended with 7: no more",
		"panics":        "its reader ended with 2: panic: a defect",
		"is killed":     "its reader was killed (SIGKILL) after 0s of processor time",
		"hangs":         "its reader was killed: it took longer than 2s",
		"is deaf":       "its reader was killed: it took longer than 2s",
		"floods":        "its reader was killed: it does not keep to the protocol",
		"says too much": "its reader was killed: it does not keep to the protocol: 4294967295 bytes at once, and 67108864 are allowed",
		"asks for ever": "its reader was killed: it asks for more than it may read",
		"stutters":      "its reader was killed: it is cut short, or is no answer at all",
		"boasts":        "its reader was killed: it would take too much memory",
		"says nothing":  "its reader gave neither a Set nor a reason why not",
		"contradicts":   "its reader gave neither a Set nor a reason why not",
		"eats":          "its reader needed more than 512 MiB of memory, and died of it",
		"burns":         "s of processor time, of which it may take 10s",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := hostile(how)
			if strings.Contains(says, "2s") {
				r.patience = 2 * time.Second
			}
			set, problems, err := r.load(t.Context(), fstest.MapFS{"big": {Data: make([]byte, read.MaxFile)}}, read.Options{})
			if set != nil || problems != nil || err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, %v, %v; want …%s…", set, problems, err, says)
			}
		})
	}
}

func TestNothingIsLeftOfAChild(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	before := descriptors(t)
	var pid int
	r := children()
	r.done = func(p int) { pid = p }
	if set, problems, err := r.load(t.Context(), fstest.MapFS{"a.yaml": {Data: []byte(oneService)}}, read.Options{}); err != nil || set == nil {
		t.Fatal(problems, err)
	}
	if err := unix.Kill(pid, 0); err != unix.ESRCH {
		t.Errorf("the child %d: %v", pid, err)
	}
	for _, how := range []string{"dies", "hangs", "floods"} {
		r := hostile(how)
		r.patience = time.Second
		if _, _, err := r.load(t.Context(), fstest.MapFS{}, read.Options{}); err == nil {
			t.Errorf("%s: no error", how)
		}
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors are open, and %d were", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// What was given up is gone, and whatever the child tries then is refused.
func TestAChildCanDoNothing(t *testing.T) {
	_, problems, err := hostile("tries what it can").load(t.Context(), fstest.MapFS{}, read.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.Message)
	}
	user, groups := os.Geteuid(), -1
	if user == 0 {
		who, err := powerless.Nobody("read it")
		if err != nil {
			t.Fatal(err)
		}
		user, groups = int(who.Uid), 0
	}
	want := []string{
		"folder: /", "environment: 0", fmt.Sprint("groups: ", groups), fmt.Sprint("user: ", user),
		"read a file: operation not permitted", "write a file: operation not permitted", "list a folder: operation not permitted",
		"start a program: operation not permitted", "become root: operation not permitted", "signal its parent: operation not permitted",
		"signal a thread of its parent: operation not permitted", "look into its parent: operation not permitted", "fork: operation not permitted",
		"connect: operation not permitted", "open a socket: operation not permitted", "raise a limit: operation not permitted",
	}
	if groups < 0 {
		want = slices.Delete(want, 2, 3)
		got = slices.Delete(got, 2, 3)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAChildIsGivenNothingElse(t *testing.T) {
	dir := t.TempDir()
	_, problems, err := hostile("asks outside").load(t.Context(), os.DirFS(dir), read.Options{})
	if err != nil || len(problems) != 1 || problems[0].Message != "nothing was given" {
		t.Errorf("%v, %v", problems, err)
	}
}

// Whose host it is and what its policy allows is never the child's word.
func TestAChildIsBelievedInNothingElse(t *testing.T) {
	o := read.Options{Revision: "c1", Environment: "production", Host: desired.Host{Name: "app-1"}, Policy: desired.Policy{Mode: desired.Observe}}
	set, _, err := hostile("presumes").load(t.Context(), fstest.MapFS{}, o)
	if err != nil {
		t.Fatal(err)
	}
	want := &desired.Set{
		Revision: "c1", Environment: "production", Host: desired.Host{Name: "app-1", Environment: "production"}, Policy: desired.Policy{Mode: desired.Observe},
	}
	if d := cmp.Diff(want, set); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
