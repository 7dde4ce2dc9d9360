package live_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// traced is evenkeel with every system call written down that could change
// something; it looks at everything anew every two seconds.
const traced = `[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/strace -f -y -qq -s 512 -o /root/trace -e trace=%%file,ftruncate,fallocate,fchmod,fchown,fsetxattr,fremovexattr,kill,connect /usr/local/bin/evenkeel run -f ` + desiredDir + ` --resync 2s
`

// byHandOf is a day of work by hand, of every sort that evenkeel would mend.
var byHandOf = []string{
	"kill -TERM $(systemctl show -P MainPID plain)",
	"echo '# by hand' >> " + unitDir + "/dropped.service",
	"rm " + unitDir + "/limited.service",
	"systemctl disable -q named; systemctl daemon-reload",
	"mkdir -p " + unitDir + "/reading.service.d && printf '[Service]\\nNice=1\\n' > " + unitDir + "/reading.service.d/50-foreign.conf",
	"systemctl stop sliced",
	"systemctl kill -s KILL static",
	"systemctl mask -q --now twice 2>/dev/null || ln -sf /dev/null /run/systemd/system/twice.service",
	"systemctl start stopped",
	"systemctl restart vendor",
}

// A host that people made is taken over in mode observe. Whatever happens on it
// meanwhile, evenkeel writes nothing outside of what is its own, and asks systemd
// for nothing but to tell: by the kernel's word and by the bus's own.
func TestObservingTouchesNothing(t *testing.T) {
	t.Parallel()
	b := boot(t, "untouched")
	b.sh(handmade)
	b.comes("systemctl is-failed -q failing && test $(systemctl show -P SubState looping) = auto-restart && systemctl is-active -q multi-user.target")
	b.must(0, "import", "--all", "-o", desiredDir)
	b.write(policyFile, observing)
	b.sh("systemd-run -q --unit=spy -p StandardOutput=truncate:/root/bus busctl monitor --json=short")
	b.comes("busctl call org.freedesktop.DBus / org.freedesktop.DBus GetId > /dev/null; grep -q GetId /root/bus")
	b.write("/run/systemd/system/evenkeel.service", traced)
	b.sh("systemctl daemon-reload && systemctl start evenkeel")

	for _, by := range byHandOf {
		b.sh(by + "; sleep 1")
	}
	held := func() []string {
		var out []string
		for _, h := range b.diff().Held {
			out = append(out, strings.TrimPrefix(h.Object, "Service/"))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	b.until("evenkeel sees all of that", func() string {
		got := held()
		for _, name := range []string{"plain", "dropped", "limited", "named", "reading", "sliced", "stopped"} {
			if !slices.Contains(got, name) {
				return name + " is not held; held are " + strings.Join(got, " ")
			}
		}
		return ""
	})
	before := b.sh(everyFile)
	for end := time.Now().Add(observeFor()); time.Now().Before(end); { // several times a look at everything
		b.sh("systemctl start static; sleep 1; systemctl kill -s KILL static; sleep 1")
	}
	if after := b.sh(everyFile); after != before {
		t.Errorf("files changed while evenkeel observed:\n%s", changes(before, after))
	}

	trace := b.sh("cat /root/trace")
	if w := written(trace); len(w) > 0 {
		t.Errorf("evenkeel, observing, wrote or ran:\n%s", strings.Join(w, "\n"))
	}
	t.Logf("after %s: of %d system calls on files, none writes outside of evenkeel's own folders", observeFor(), strings.Count(trace, "\n"))
	if c := b.asked(); len(c) > 0 {
		t.Errorf("evenkeel, observing, called %q", c)
	}
	b.must(0, "report", "--since", "1h")

	// The same eyes see what it does once it may.
	b.write(policyFile, strings.Replace(observing, "observe", "enforce", 1))
	b.comes("systemctl is-active plain && ! grep -q by.hand " + unitDir + "/dropped.service")
	if w := written(b.sh("cat /root/trace")); !slices.ContainsFunc(w, func(s string) bool { return strings.Contains(s, "dropped.service") }) {
		t.Errorf("the trace does not show that dropped.service was written:\n%s", strings.Join(w, "\n"))
	}
	if c := b.asked(); !slices.Contains(c, "StartUnit") && !slices.Contains(c, "EnqueueUnitJob") {
		t.Errorf("the bus does not show that a unit was started: %q", c)
	}
}

// observeFor is how long evenkeel is watched after that, while one unit dies again
// and again. EVENKEEL_OBSERVE_FOR makes it longer.
func observeFor() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("EVENKEEL_OBSERVE_FOR")); err == nil {
		return d
	}
	return 10 * time.Second
}

const everyFile = `find /etc /usr/lib/systemd /run/systemd/system /run/systemd/transient /opt /root/adopted /var/lib/evenkeel/displaced -printf '%p %i %C@ %m %u %g %l\n' 2>/dev/null | sort`

var (
	call    = regexp.MustCompile(`^\d+ +(\w+)\((.*)$`)
	quoted  = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	opening = regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE`)
	folder  = regexp.MustCompile(`^(?:AT_FDCWD|\d+)<([^>]*)>`)
)

// changing are the calls that change something whatever their arguments are.
var changing = []string{
	"creat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "link", "linkat", "symlink", "symlinkat",
	"chmod", "fchmod", "fchmodat", "chown", "lchown", "fchown", "fchownat", "truncate", "ftruncate", "fallocate", "mknod", "mknodat",
	"setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "utime", "utimes", "utimensat", "mount", "umount2",
	"pivot_root", "chroot", "swapon", "acct",
}

// written lists what a trace shows to be written outside of evenkeel's own
// folders, programs that are run, and ways around the bus.
func written(trace string) []string {
	var out []string
	for line := range strings.Lines(trace) {
		m := call.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		name, args := m[1], m[2]
		switch {
		case name == "execve":
			ok := strings.Contains(args, "= -1 ") || strings.HasPrefix(args, `"/usr/local/bin/evenkeel"`) || strings.Contains(args, `/journalctl", ["journalctl"`)
			if ok {
				continue
			}
		case name == "kill":
			if strings.Contains(args, ", 0)") {
				continue
			}
		case name == "connect":
			if !strings.Contains(args, "/run/systemd/private") {
				continue
			}
		case slices.Contains([]string{"open", "openat", "openat2"}, name):
			if !opening.MatchString(args) || own(args) {
				continue
			}
		case slices.Contains(changing, name):
			if own(args) {
				continue
			}
		default:
			continue
		}
		out = append(out, strings.TrimSpace(line))
	}
	return out
}

// own tells whether all paths of a call lie in evenkeel's own folders.
func own(args string) bool {
	paths := quoted.FindAllStringSubmatch(args, -1)
	if len(paths) == 0 {
		at := folder.FindStringSubmatch(args)
		return at != nil && ours(at[1])
	}
	for _, p := range paths {
		path := p[1]
		if at := folder.FindStringSubmatch(args); !strings.HasPrefix(path, "/") && at != nil {
			path = at[1] + "/" + path
		}
		if !ours(path) {
			return false
		}
	}
	return true
}

func ours(path string) bool {
	return path == "/dev/null" || slices.ContainsFunc([]string{"/var/lib/evenkeel", "/run/evenkeel"}, func(dir string) bool {
		return path == dir || strings.HasPrefix(path, dir+"/")
	})
}

// asking are the methods that only ask, and those by which a client of the bus
// introduces itself.
var asking = []string{
	"Hello", "AddMatch", "RemoveMatch", "GetNameOwner", "NameHasOwner", "GetId", "Ping", "Introspect", "GetConnectionUnixProcessID",
	"Subscribe", "Get", "GetAll", "GetUnit", "LoadUnit", "GetUnitFileState", "GetJob", "ListUnits", "ListUnitsByNames", "ListUnitsByPatterns",
	"ListUnitsFiltered", "ListUnitFiles", "ListUnitFilesByPatterns", "ListJobs",
}

// asked lists the methods that evenkeel called by the bus, besides those.
func (b box) asked() []string {
	b.Helper()
	me := b.sh("busctl list --no-legend | awk '$3 == \"evenkeel\" {print $1}'")
	var out []string
	calls := 0
	for line := range strings.Lines(b.sh("cat /root/bus")) {
		var m struct{ Type, Sender, Member string }
		if json.Unmarshal([]byte(line), &m) != nil || m.Type != "method_call" || m.Sender == "" || !slices.Contains(strings.Fields(me), m.Sender) {
			continue
		}
		calls++
		if !slices.Contains(asking, m.Member) {
			out = append(out, m.Member)
		}
	}
	if calls == 0 {
		b.Fatalf("the bus shows no call of evenkeel's at all (%q)", me)
	}
	b.Logf("of %d calls over the bus, %d do more than ask", calls, len(out))
	slices.Sort(out)
	return slices.Compact(out)
}
