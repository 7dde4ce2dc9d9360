package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// released is a backend that runs release 1.41.0, at a revision that declares
// another one; there says whether that lies there.
func released(version string, there bool) *host {
	s := app("pakashop-backend")
	dir := desired.Release{Dir: "/opt/pakashop/backend/releases", Version: "1.41.0"}
	l := desired.LinkOf(dir)
	s.Link = &l
	h := night(s)
	lies := func(path string, f state.File) {
		f.Changed = noon.Add(-5 * time.Hour)
		h.Have.Files[path] = state.Fact[state.File]{At: moment(0), Value: f}
	}
	lies(l.Path, state.File{Kind: state.Symlink, Link: l.Target})
	lies(l.Folder(), state.File{Kind: state.Folder, Digest: "d"})
	h.Past.Ran = map[string]state.Ran{}
	h.settle()
	dir.Version = version
	l = desired.LinkOf(dir)
	h.Want.Services[0].Link = &l
	if there {
		lies(l.Folder(), state.File{Kind: state.Folder, Digest: "d"})
	} else {
		lies(l.Folder(), state.File{})
	}
	h.settle()
	return h
}

// describe shows the link among the files, by versions.
func TestDescribeARelease(t *testing.T) {
	for name, c := range map[string]struct {
		h    *host
		want FileDetail
		text string
	}{
		"it is current":  {released("1.41.0", true), FileDetail{Desired: "1.41.0", Observed: "1.41.0", State: "asDeclared"}, "1.41.0"},
		"another one is": {released("1.42.0", true), FileDetail{Desired: "1.42.0", Observed: "1.41.0", State: "differs"}, "current: 1.41.0 → 1.42.0"},
		"it is not known": {func() *host {
			h := released("1.42.0", true)
			delete(h.Have.Files, "/opt/pakashop/backend/current")
			return h
		}(), FileDetail{Desired: "1.42.0", State: "unknown"}, "current: none → 1.42.0"},
		"nothing lies there": {func() *host { h := released("1.42.0", true); h.absent("/opt/pakashop/backend/current"); return h }(), FileDetail{Desired: "1.42.0", State: "absent"}, "current: none → 1.42.0"},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := c.h.Describe("pakashop-backend", nil)
			got := d.Files[len(d.Files)-1]
			c.want.Path, c.want.As = "/opt/pakashop/backend/current", "release"
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := got.digests(); got != c.text {
				t.Errorf("it says %q, want %q", got, c.text)
			}
		})
	}
}
