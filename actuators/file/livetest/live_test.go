package livetest

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func write(path, content, was string, more ...string) actuators.Request {
	args := map[string]string{"digest": sum(content), "mode": "0644"}
	if was != "" {
		args["was"] = sum(was)
	}
	for i := 0; i < len(more); i += 2 {
		args[more[i]] = more[i+1]
	}
	return actuators.Request{
		Action:  actuators.Action{Actuator: "file", Verb: "write", Target: path, Args: args},
		Content: []byte(content),
	}
}

func sum(s string) string {
	d := sha256.Sum256([]byte(s))
	return hex.EncodeToString(d[:])
}

// tmpfs mounts a small file system and returns its folder.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func wantFailed(t *testing.T, err error, cause error) {
	t.Helper()
	if err == nil || actuators.KindOf(err) != actuators.Failed || !strings.Contains(err.Error(), cause.Error()) {
		t.Errorf("error %v of kind %s, want failed with %q", err, actuators.KindOf(err), cause)
	}
}

func TestDiskFull(t *testing.T) {
	dir := tmpfs(t, "size=64k")
	put(t, dir+"/x.service", "old")
	put(t, dir+"/filler", strings.Repeat("x", 40<<10))
	a := file.New(file.Options{Displaced: t.TempDir()})
	_, err := a.Apply(t.Context(), write(dir+"/x.service", strings.Repeat("n", 100<<10), "old"))
	wantFailed(t, err, unix.ENOSPC)
	_, err = a.Apply(t.Context(), write(dir+"/new.service", strings.Repeat("n", 100<<10), ""))
	wantFailed(t, err, unix.ENOSPC)
	if b, _ := os.ReadFile(dir + "/x.service"); string(b) != "old" || names(t, dir) != "filler x.service" {
		t.Errorf("%q among %q", b, names(t, dir))
	}
}

// Where no copy of the human's version can be kept, it is not overwritten.
func TestDisplacedStoreFull(t *testing.T) {
	dir, store := t.TempDir(), tmpfs(t, "size=64k")
	by := strings.Repeat("by hand ", 10<<10)
	put(t, dir+"/x.service", by)
	a := file.New(file.Options{Displaced: store + "/displaced"})
	_, err := a.Apply(t.Context(), write(dir+"/x.service", "declared", by, "keep", "1"))
	wantFailed(t, err, unix.ENOSPC)
	if b, _ := os.ReadFile(dir + "/x.service"); string(b) != by {
		t.Error("the human's version is gone")
	}
	if got := names(t, store+"/displaced"); got != "" {
		t.Errorf("left in the store: %q", got)
	}
}

func TestReadOnly(t *testing.T) {
	dir := tmpfs(t, "size=64k")
	put(t, dir+"/x.service", "old")
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	a := file.New(file.Options{Displaced: t.TempDir()})
	for _, r := range []actuators.Request{
		write(dir+"/x.service", "new", "old"),
		write(dir+"/new.service", "new", ""),
		write(dir+"/x.service.d/10.conf", "new", ""),
		{Action: actuators.Action{Actuator: "file", Verb: "remove", Target: dir + "/x.service", Args: map[string]string{"was": sum("old")}}},
	} {
		_, err := a.Apply(t.Context(), r)
		wantFailed(t, err, unix.EROFS)
	}
	if b, _ := os.ReadFile(dir + "/x.service"); string(b) != "old" || names(t, dir) != "x.service" {
		t.Errorf("%q among %q", b, names(t, dir))
	}
}

// m4 of the measured facts: temp and rename would unmask a unit silently.
func TestMaskOnTheRealSystemd(t *testing.T) {
	const unit = "/etc/systemd/system/live-mask.service"
	if err := os.Symlink("/dev/null", unit); err != nil {
		t.Fatal(err)
	}
	a := file.New(file.Options{Displaced: t.TempDir()})
	_, err := a.Apply(t.Context(), write(unit, "[Service]\nExecStart=/bin/sleep 1\n", ""))
	if actuators.KindOf(err) != actuators.Refused || !strings.Contains(err.Error(), "masked") {
		t.Errorf("a write over a mask: %v", err)
	}
	out, _ := exec.Command("systemctl", "is-enabled", filepath.Base(unit)).Output()
	if strings.TrimSpace(string(out)) != "masked" {
		t.Errorf("afterwards the unit is %s", out)
	}
}

// The order that survives a power cut: content on disk before the name, the
// name on disk before the old version is let go.
func TestOrderOfSystemCalls(t *testing.T) {
	dir := t.TempDir()
	if os.Getenv("LIVETEST_WRITE") != "" {
		a := file.New(file.Options{Displaced: os.Getenv("LIVETEST_WRITE") + ".kept"})
		if _, err := a.Apply(t.Context(), write(os.Getenv("LIVETEST_WRITE"), "new", "old", "keep", "1")); err != nil {
			t.Fatal(err)
		}
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Log("strace is not there: the order is not looked at on this machine")
		return
	}
	target, trace := dir+"/x.service", dir+"/trace"
	put(t, target, "old")
	cmd := exec.Command(strace, "-f", "-qq", "-y", "-o", trace, "-e", "trace=openat,fsync,renameat2,renameat,rename,unlinkat,fchmod,fchown",
		os.Args[0], "-test.run=TestOrderOfSystemCalls$")
	cmd.Env = append(os.Environ(), "LIVETEST_WRITE="+target)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	// Both happen before the exchange.
	exchange := []string{
		`renameat2\([^\n]*"\.evenkeel-[^\n]*"x\.service", RENAME_EXCHANGE\)`, // the new file has its name …
		`fsync\(\d+<` + regexp.QuoteMeta(dir) + `>\)`,                        // … on disk
		`unlinkat\([^\n]*"\.evenkeel-`,
	}
	for what, order := range map[string][]string{
		"the human's version": {
			`renameat[^\n]*x\.service\.kept/[^\n]*json`, // it has its name …
			`fsync\(\d+<[^>]*x\.service\.kept>\)`,       // … on disk
		},
		"the new version": {
			`openat[^\n]*"\.evenkeel-[^\n]*O_CREAT\|O_EXCL`,
			`fchown\(`, `fchmod\(`,
			`fsync\(\d+<[^>]*/\.evenkeel-[^>]*>\)`, // its content
		},
	} {
		want := regexp.MustCompile(`(?s)` + strings.Join(append(order, exchange...), `.*`))
		if !want.Match(b) {
			t.Errorf("%s, another order:\n%s", what, b)
		}
	}
}
