package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/wire"
)

// The test program is its own plugin, as evenkeel is.
func TestMain(m *testing.M) {
	if _, ok := host.Role(os.Args); ok {
		wire.Serve(New("1"))
		return
	}
	os.Exit(m.Run())
}

// folder is a cache of nginx's, with levels=1:2 like most.
type folder struct {
	*testing.T
	dir string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return folder{t, dir}
}

// at is where nginx puts a response.
func (f folder) at(n int) string {
	name := fmt.Sprintf("%032x", n*0x9e3779b1)
	return filepath.Join(f.dir, name[31:], name[29:31], name)
}

func (f folder) put(path string, age time.Duration) {
	f.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("a response"), 0o600); err != nil {
		f.Fatal(err)
	}
	then := time.Now().Add(-age)
	if err := os.Chtimes(path, then, then); err != nil {
		f.Fatal(err)
	}
}

// fill puts responses 0 to n-1, the first few of which are old.
func (f folder) fill(n, old int) {
	f.Helper()
	for i := range n {
		age := time.Minute
		if i < old {
			age = 48 * time.Hour
		}
		f.put(f.at(i), age)
	}
}

// files lists what is not a folder, below the cache's.
func (f folder) files() (all []string) {
	f.Helper()
	err := filepath.WalkDir(f.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(path, f.dir+"/"))
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return all
}

func (f folder) flush(args ...string) actuators.Request {
	return flush(fmt.Sprintf(`{"nginx":{"path":%q}}`, f.dir), append([]string{"path", f.dir}, args...)...)
}

func subject(t *testing.T) actuatortest.Subject {
	f := newFolder(t)
	look := func(*testing.T) string { return strings.Join(f.files(), " ") }
	return actuatortest.Subject{
		Actuator: New("1"),
		Samples: []actuatortest.Sample{
			{Name: "what is old", Request: f.flush("idle", "24h"), Before: func(*testing.T) { f.fill(20, 4) }, Look: look},
			{Name: "all", Request: f.flush("maxShare", "100%"), Before: func(*testing.T) { f.fill(20, 0) }, Look: look},
		},
		Failing: []actuatortest.Failing{
			{Name: "too much", Request: f.flush(), Before: func(*testing.T) { f.fill(20, 0) }, Kind: actuators.Refused},
			{Name: "no folder", Request: newFolder(t).flush(), Before: func(*testing.T) {}, Kind: actuators.NotFound},
		},
	}
}

func TestContract(t *testing.T) {
	fresh := func(t *testing.T) actuatortest.Subject {
		s := subject(t)
		s.Failing = s.Failing[:1] // the other needs a folder that is gone
		return s
	}
	actuatortest.Run(t, fresh)
	actuatortest.RunProcess(t, host.Spec{Name: Name, Role: Name}, fresh)
}

func TestAFolderThatIsNotThere(t *testing.T) {
	f := newFolder(t)
	f.dir += "/gone"
	_, err := New("1").Apply(t.Context(), f.flush())
	if actuators.KindOf(err) != actuators.NotFound {
		t.Errorf("%v", err)
	}
}

func TestRefusalBeyondTheShareLeavesEveryResponse(t *testing.T) {
	f := newFolder(t)
	f.fill(20, 5)
	before := f.files()
	_, err := New("1").Apply(t.Context(), f.flush("idle", "24h"))
	if actuators.KindOf(err) != actuators.Refused || !strings.Contains(err.Error(), "5 of 20 cached responses match, which is more than maxShare 20%") {
		t.Errorf("%v", err)
	}
	if got := f.files(); strings.Join(got, " ") != strings.Join(before, " ") {
		t.Errorf("left are %d of %d", len(got), len(before))
	}
}

// SEC-31: what nginx did not put there is not looked at, nothing behind a link
// is reached, and nothing of another file system.
func TestNothingButResponsesIsRemoved(t *testing.T) {
	f := newFolder(t)
	outside := newFolder(t)
	outside.put(outside.at(1), 48*time.Hour)
	outside.put(outside.dir+"/precious", 48*time.Hour)
	f.fill(20, 0)
	name := filepath.Base(f.at(3))
	strange := []string{
		"index.html", "a/index.html", name[:31], name[31:] + "/" + name + ".0000000001",
		"f/ff/" + strings.Repeat("0", 32),      // not where its name belongs
		"00/" + strings.ToUpper(name),          // not how nginx writes
		"precious/" + name,                     // no level
		"0/00/0/00/" + strings.Repeat("0", 32), // too deep
	}
	for _, s := range strange {
		f.put(filepath.Join(f.dir, s), 48*time.Hour)
	}
	// Links in place of a level, of a response, and one from a response's name to
	// a file that matters.
	link := func(to, at string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
	}
	level := filepath.Dir(filepath.Dir(strings.TrimPrefix(outside.at(1), outside.dir)))
	os.RemoveAll(f.dir + level)
	link(outside.dir+level, f.dir+level)
	planted := f.dir + "/e/ee/" + strings.Repeat("e", 32)
	link(outside.dir+"/precious", planted)

	res, err := New("1").Apply(t.Context(), f.flush("maxShare", "100%"))
	if err != nil || !res.Changed {
		t.Fatalf("%+v, %v", res, err)
	}
	left := f.files()
	want := len(strange) + 2 // and the two links
	if len(left) != want {
		t.Errorf("left are %d, want %d: %v", len(left), want, left)
	}
	if _, err := os.Lstat(planted); err != nil {
		t.Errorf("the link itself is gone: %v", err)
	}
	if got := outside.files(); len(got) != 2 {
		t.Errorf("outside of the folder there is %v", got)
	}
}

// A level is replaced by a link to somewhere else all the time.
func TestALinkThatIsPlantedMeanwhileLeadsNowhere(t *testing.T) {
	f, outside := newFolder(t), newFolder(t)
	for i := range 64 {
		outside.put(strings.Replace(f.at(i), f.dir, outside.dir, 1), time.Hour)
	}
	levels := make([]string, 0, 16)
	for d := range 16 {
		levels = append(levels, fmt.Sprintf("/%x", d))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			l := levels[n%16]
			_ = os.Symlink(outside.dir+l, f.dir+"/planted")
			_ = os.Rename(f.dir+l, f.dir+"/aside")
			_ = os.Rename(f.dir+"/planted", f.dir+l)
			_ = os.Remove(f.dir + l)
			_ = os.Rename(f.dir+"/aside", f.dir+l)
		}
	})
	removed := 0
	for range 500 {
		for i := range 64 { // what goes through a link lands on what is there
			_ = os.MkdirAll(filepath.Dir(f.at(i)), 0o755)
			_ = os.WriteFile(f.at(i), []byte("a response"), 0o600)
		}
		res, err := New("1").Apply(t.Context(), f.flush("maxShare", "100%"))
		if err != nil {
			t.Errorf("flush: %v", err)
		}
		if res.Changed {
			removed++
		}
	}
	close(stop)
	wg.Wait()
	if removed == 0 {
		t.Error("nothing was ever removed: nothing was tried")
	}
	if got := outside.files(); len(got) != 64 {
		t.Errorf("outside there are %d of 64 responses", len(got))
	}
}

func TestALinkOnTheWayToTheFolderIsRefused(t *testing.T) {
	f := newFolder(t)
	f.fill(4, 0)
	way := newFolder(t).dir + "/way"
	if err := os.Symlink(filepath.Dir(f.dir), way); err != nil {
		t.Fatal(err)
	}
	f.dir = filepath.Join(way, filepath.Base(f.dir))
	_, err := New("1").Apply(t.Context(), f.flush("maxShare", "100%"))
	if actuators.KindOf(err) != actuators.Refused || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("%v", err)
	}
}
