package git

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// zeros makes a blob of zeros, which is nothing on the wire.
func zeros(o *origin, size int64) string {
	o.t.Helper()
	name := filepath.Join(o.work, "zeros")
	f, err := os.Create(name)
	if err == nil {
		err = errors.Join(f.Truncate(size), f.Close())
	}
	if err != nil {
		o.t.Fatal(err)
	}
	defer os.Remove(name)
	return o.git("-c", "core.bigFileThreshold=1m", "-c", "core.compression=1", "hash-object", "-w", name)
}

// deltaBomb puts a pack into a repository whose last blob is made of an earlier one
// by a few instructions, and is of any size. It returns its ID.
func deltaBomb(o *origin, repository string, size int) string {
	o.t.Helper()
	const chunk = 1 << 20
	base := make([]byte, chunk)
	var pack bytes.Buffer
	pack.WriteString("PACK")
	_ = binary.Write(&pack, binary.BigEndian, []uint32{2, 2})
	deflate := func(b []byte) {
		z := zlib.NewWriter(&pack)
		_, _ = z.Write(b)
		_ = z.Close()
	}
	header := func(kind, size int) {
		b := byte(kind<<4 | size&15)
		for size >>= 4; size > 0; size >>= 7 {
			pack.WriteByte(b | 0x80)
			b = byte(size & 0x7f)
		}
		pack.WriteByte(b)
	}
	at := pack.Len()
	header(3, chunk)
	deflate(base)
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, chunk), uint64(size))
	for range size / chunk {
		delta = append(delta, 0x80|0x40, 0x10) // from 0, 0x100000 bytes
	}
	back := pack.Len() - at
	header(6, len(delta))
	offset := []byte{byte(back & 0x7f)}
	for back >>= 7; back > 0; back >>= 7 {
		back--
		offset = append([]byte{byte(0x80 | back&0x7f)}, offset...)
	}
	pack.Write(offset)
	deflate(delta)
	sum := sha1.Sum(pack.Bytes())
	pack.Write(sum[:])

	cmd := exec.Command("git", "index-pack", "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = repository, o.env, &pack
	if out, err := cmd.CombinedOutput(); err != nil {
		o.t.Fatalf("git index-pack: %v: %s", err, out)
	}
	h := sha1.New()
	h.Write([]byte("blob " + strconv.Itoa(size) + "\x00"))
	for range size / chunk {
		h.Write(base)
	}
	return hexOf(h.Sum(nil))
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// F47: what is too large ends git, and nothing else.
func TestWhatIsTooLargeEndsGit(t *testing.T) {
	for name, c := range map[string]struct {
		make   func(o *origin)
		limits Limits
		words  string
	}{
		"a blob of a hundred megabytes": {func(o *origin) {
			o.commitTree(o.raw("100644 blob " + zeros(o, 96<<20) + "\tbig\x00"))
		}, Limits{Memory: 64 << 20}, "it has 100663296 bytes: at most 1048576"},
		"a hundred and fifty thousand files": {func(o *origin) {
			file := o.blob("")
			var b bytes.Buffer
			for i := range 150_000 {
				b.WriteString("100644 blob " + file + "\t" + strconv.Itoa(1_000_000+i) + "\x00")
			}
			o.commitTree(o.raw(b.String()))
		}, Limits{}, "the folder at the top: it has 5250000 bytes"},
		"more than the disk may take": {func(o *origin) {
			o.commit(map[string]string{"a": noise(6 << 20)})
		}, Limits{Disk: 2 << 20, File: 16 << 20}, "takes more than git may use here"},
		"a pack that is too large": {func(o *origin) {
			o.commit(map[string]string{"a": noise(6 << 20)})
		}, Limits{Pack: 2 << 20, File: 16 << 20}, "takes more than git may use here"},
		"a bomb of deltas": {func(o *origin) {
			o.write(map[string]string{"../origin.git/objects/info/alternates": filepath.Join(o.work, ".git/objects") + "\n"})
			bomb := deltaBomb(o, o.work, 96<<20)
			o.commitTree(o.raw("100644 blob " + bomb + "\tbomb\x00"))
		}, Limits{Memory: 64 << 20}, ""},
		"a message of two megabytes": {func(o *origin) {
			o.write(map[string]string{"../message": strings.Repeat("word ", 400_000)})
			o.git("commit", "-q", "--allow-empty", "-F", "../message")
		}, Limits{}, "bytes: at most 1048576"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(t)
			want := o.commit(map[string]string{"good.yaml": "good\n"})
			o.push("main")
			s := serve(t, o, nil) // whose memory is not that of the child
			options := s.options(o)
			options.Limits = c.limits
			options.Limits.Time = 2 * time.Minute
			m := mirror(t, options)
			fetched(t, m)
			c.make(o)
			o.push("main")
			began := time.Now()
			r := refused(t, m, TooLarge, c.words, want)
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %v", took)
			}
			if len(r.Error()) > 1000 || strings.Contains(r.Error(), "\n") {
				t.Errorf("a message of %d bytes: %q", len(r.Error()), r)
			}
			// The next commit without it, and where it is not in the history, goes on.
			o.git("reset", "-q", "--hard", want)
			next := o.commit(map[string]string{"good.yaml": "better\n"})
			o.push("main")
			if h := fetched(t, m, want); h.Branch.ID != next {
				t.Errorf("got %s, want %s", h.Branch.ID, next)
			}
			if total, _ := sizeOf(m.options.Folder); total > m.options.Limits.Disk {
				t.Errorf("%d bytes are left of it", total)
			}
		})
	}
}

func noise(size int) string {
	b := make([]byte, size)
	for i, x := 0, uint64(88172645463325252); i < size; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return string(b)
}

// inSession runs a shell where git would run.
func inSession(t testing.TB, limits Limits) (*session, func(ctx context.Context, script string) (string, error)) {
	t.Helper()
	o := newOrigin(t)
	options := o.options()
	options.Limits = limits
	m := mirror(t, options)
	s, err := m.openSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close(m.options.Log) })
	return s, func(ctx context.Context, script string) (string, error) {
		return s.program([]string{"/bin/sh", "-c", script}).run(ctx)
	}
}

func TestWhatGitMay(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", token)
	t.Setenv("GIT_SSH_COMMAND", "touch /tmp/x")
	t.Setenv("LD_PRELOAD", "")
	s, run := inSession(t, Limits{Memory: 256 << 20, Pack: 64 << 20, Time: 10 * time.Second, Tasks: 50})
	see := func(script string) string {
		t.Helper()
		out, err := run(t.Context(), script)
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		return strings.TrimSpace(out)
	}
	for script, want := range map[string]string{
		"grep NoNewPrivs /proc/self/status | tr -d '\\t'": "NoNewPrivs:1",
		"ulimit -v":                        "262144",
		"ulimit -f":                        "131072", // of 512 bytes each
		"ulimit -t":                        "11",
		"ulimit -c":                        "0",
		"ulimit -n":                        "1024",
		"umask":                            "0077",
		"ls /proc/self/fd | wc -l":         "4", // three, and the folder's own
		"cat /proc/self/oom_score_adj":     "1000",
		"pwd":                              s.dir,
		"echo $HOME":                       s.path("home"),
		"echo $AWS_SECRET_ACCESS_KEY$GOGC": "",
		"ps -o pgid= -p $$ | tr -d ' ' | grep -qx $$ && echo its own group": "its own group",
	} {
		if got := see(script); got != want {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
	for line := range strings.Lines(see("env")) {
		if name, _, _ := strings.Cut(line, "="); !strings.HasPrefix(name, "GIT_") && !strings.Contains(" PATH LC_ALL HOME TMPDIR GNUPGHOME SSH_ASKPASS SSH_ASKPASS_REQUIRE PWD OLDPWD SHLVL _ ", " "+strings.TrimSpace(name)+" ") {
			t.Errorf("it sees %s", name)
		}
	}
	if strings.Contains(see("env"), "touch") {
		t.Error("our own GIT_SSH_COMMAND is its own")
	}
	if os.Geteuid() == 0 {
		if got := see("id -u; id -G; grep CapEff /proc/self/status | tr -d '\\t'"); got != "65534\n65534\nCapEff:0000000000000000" {
			t.Errorf("it is %q, want nobody without any rights", got)
		}
		if out, err := run(t.Context(), "cat /etc/shadow"); err == nil {
			t.Errorf("it reads what it should not: %q", out)
		}
	}
}

func TestWhatGitMayNot(t *testing.T) {
	_, run := inSession(t, Limits{Memory: 64 << 20, Pack: 1 << 20, Time: time.Second, Tasks: 20})
	for name, c := range map[string]struct {
		script string
		want   trouble
	}{
		"a file that is too large":  {"exec head -c 2000000 /dev/zero >tmp/x", outgrown},
		"too much of the processor": {"while :; do :; done", outgrown},
		"too much memory":           {"exec git -c core.bigFileThreshold=1g hash-object --stdin </dev/zero", outgrown},
	} {
		began := time.Now()
		out, err := run(t.Context(), c.script)
		if err == nil || troubleOf(t.Context(), err) != c.want || time.Since(began) > 30*time.Second {
			t.Errorf("%s: %q, %v after %v, want the end", name, out, err, time.Since(began))
		}
	}
	if os.Geteuid() == 0 {
		if out, err := run(t.Context(), "i=0; while [ $i -lt 200 ]; do sleep 2 & i=$((i+1)); done; echo all"); err == nil {
			t.Errorf("it starts as much as it likes: %q", out)
		}
	}
}

// When the time has come, all goes: also what was started, and what answers without
// an end.
func TestNothingIsLeftOfGit(t *testing.T) {
	s, run := inSession(t, Limits{})
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := run(ctx, "sleep 1000 & echo $! >tmp/pid; sleep 1000")
	if troubleOf(ctx, err) != late || time.Since(began) > 5*time.Second {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
	gone(t, s.path("tmp/pid"))

	// The same where git itself ends at once.
	if _, err := run(t.Context(), "sleep 1000 >/dev/null 2>&1 & echo $! >tmp/pid"); err != nil {
		t.Errorf("got %v", err)
	}
	gone(t, s.path("tmp/pid"))

	// One that has left the group and holds the line does not make us wait.
	began = time.Now()
	if _, err := run(t.Context(), "setsid sleep 20 & true"); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := run(ctx, "exec cat /dev/zero"); err == nil || !strings.Contains(err.Error(), "more than it should") && !strings.Contains(err.Error(), "killed") {
		t.Errorf("an answer without an end: %v", err)
	}
	if _, err := run(ctx, "exec yes >&2"); err == nil || len(err.Error()) > 1000 {
		t.Errorf("complaints without an end: %v", err)
	}
}

// gone waits until a process is no more.
func gone(t testing.TB, file string) {
	t.Helper()
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process %s is still there: %s", pid, stat)
		}
	}
}

func TestAMirrorMustBeWithinReach(t *testing.T) {
	if os.Geteuid() != 0 {
		return // there is but one user
	}
	o := newOrigin(t)
	o.commit(nil)
	o.push("main")
	options := o.options()
	private := filepath.Join(room(t), "private")
	if err := os.Mkdir(private, 0o700); err != nil {
		t.Fatal(err)
	}
	options.Folder = filepath.Join(private, "git")
	if _, err := mirror(t, options).Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "chmod o+x "+private) {
		t.Errorf("got %v, want what to do", err)
	}
}

// What git is told is not for git's user to change: whoever else runs as it would
// choose whom we trust.
func TestWhoRunsAsGitsUserChangesNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		return // there is but one user
	}
	o := newOrigin(t)
	options := o.options()
	options.Signers = signersFile(t, keyring.open(t).line(t, "ada", ""))
	options.Credentials = credentials(t, map[string]string{"git-ssh-key": "key", "git-known-hosts": "hosts", "git-token": token})
	m := mirror(t, options)
	s, err := m.openSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(m.options.Log)
	for _, name := range []string{"gitconfig", "allowed_signers", "known_hosts"} {
		if out, err := s.program([]string{"/bin/sh", "-c", "cat " + name + " >tmp/x && ! echo evil >>" + name + " && ! rm -f " + name + " && ! mv tmp/x " + name}).run(t.Context()); err != nil {
			t.Errorf("%s can be changed, or not be read: %s, %v", name, out, err)
		}
	}
	for _, name := range []string{"key", "token"} {
		if fi, err := os.Stat(s.path(name)); err != nil || fi.Mode().Perm() != 0o400 {
			t.Errorf("%s: %v, %v, want it readable for git's user alone", name, fi.Mode(), err)
		}
	}
}
