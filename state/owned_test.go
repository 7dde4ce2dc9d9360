package state

import (
	"testing"

	"github.com/pakashop/evenkeel/actuators"
)

// What evenkeel wrote is known again, a link by where it leads; whose it was
// before is never forgotten.
func TestOwnedLinks(t *testing.T) {
	const path = "/opt/shop/current"
	write := func(args map[string]string) func(*Past, Status) {
		return func(p *Past, end Status) {
			s := Step{ID: "x", Object: "Service/shop", Action: actuators.Action{Actuator: "file", Verb: "write", Target: path, Args: args}}
			p.Fold(Entry{At: Time{Up: 1}, Intent: &Intent{Step: s}})
			p.Fold(Entry{At: Time{Up: 2}, Outcome: &Outcome{ID: "x", Status: end}})
		}
	}
	first := write(map[string]string{"link": "releases/1"})
	second := write(map[string]string{"link": "releases/2", "wasLink": "releases/1"})
	over := write(map[string]string{"link": "releases/2", "was": "d"})
	for name, c := range map[string]struct {
		do   func(*Past)
		want Owned
	}{
		"made":                   {func(p *Past) { first(p, Done) }, Owned{Link: "releases/1", Created: true}},
		"made and switched":      {func(p *Past) { first(p, Done); second(p, Done) }, Owned{Link: "releases/2", Created: true}},
		"a human's, switched":    {func(p *Past) { second(p, Done) }, Owned{Link: "releases/2"}},
		"in the place of a file": {func(p *Past) { over(p, Done) }, Owned{Link: "releases/2"}},
		"cut short":              {func(p *Past) { first(p, Done); second(p, Cut) }, Owned{Link: "releases/1", Created: true, Perhaps: "-> releases/2"}},
		"cut short at first":     {func(p *Past) { first(p, Cut) }, Owned{Created: true, Perhaps: "-> releases/1"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewPast()
			c.do(p)
			c.want.Object = "Service/shop"
			if got := p.Owned[path]; got != c.want {
				t.Errorf("owned %+v, want %+v", got, c.want)
			}
		})
	}
	o := Owned{Link: "releases/1"}
	for f, want := range map[File]bool{
		{Kind: Symlink, Link: "releases/1"}: true, {Kind: Symlink, Link: "releases/2"}: false, {}: false, {Kind: Regular, Digest: "d"}: false,
	} {
		if o.Is(f) != want {
			t.Errorf("%+v is it: %v", f, !want)
		}
	}
	if (Owned{Digest: "d"}).Is(File{Kind: Regular, Digest: "d"}) != true || (Owned{}).Is(File{}) {
		t.Error("a file is known by its digest, and nothing is nobody's")
	}
}

// Of an object that moved to another host it stays known what evenkeel wrote, and
// nothing else.
func TestForgetAnObjectThatMoved(t *testing.T) {
	for _, moved := range []bool{true, false} {
		p := NewPast()
		p.Managed["Service/shop"] = Managed{Units: []string{"shop.service"}}
		p.Ran["shop.service"] = Ran{Invocation: "i1"}
		p.Owned["/etc/shop.env"], p.Owned["/etc/web.env"] = Owned{Object: "Service/shop", Digest: "d"}, Owned{Object: "Service/web"}
		p.Fold(Entry{At: Time{Up: 1}, Note: &Note{Kind: NoteForgot, Object: "Service/shop", Moved: moved}})
		if len(p.Managed)+len(p.Ran) > 0 {
			t.Errorf("moved %v: %v and %v are left", moved, p.Managed, p.Ran)
		}
		if _, ok := p.Owned["/etc/shop.env"]; ok != moved || p.Owned["/etc/web.env"].Object == "" {
			t.Errorf("moved %v: owned %v", moved, p.Owned)
		}
	}
}

// A version that was displaced comes back in the place of what was seen there.
func TestKeptAction(t *testing.T) {
	link := Kept{Object: "Service/shop", Path: "/opt/shop/current", Digest: "d", Link: "releases/1", Mode: 0o777}
	file := Kept{Object: "Service/shop", Path: "/etc/shop.env", Digest: "d", Mode: 0o640, Owner: "root", Group: "shop"}
	for name, c := range map[string]struct {
		kept Kept
		have File
		lies bool
		want string
	}{
		"a link":              {link, File{}, false, "file.write /opt/shop/current link=releases/1 object=Service/shop"},
		"a link over a link":  {link, File{Kind: Symlink, Link: "releases/2"}, false, "file.write /opt/shop/current link=releases/1 object=Service/shop wasLink=releases/2"},
		"a link over a file":  {link, File{Kind: Regular, Digest: "e"}, false, "file.write /opt/shop/current link=releases/1 object=Service/shop was=e"},
		"a link that is back": {link, File{Kind: Symlink, Link: "releases/1"}, true, ""},
		"a file":              {file, File{}, false, "file.write /etc/shop.env digest=d group=shop mode=0640 object=Service/shop owner=root"},
		"a file over a file":  {file, File{Kind: Regular, Digest: "e"}, false, "file.write /etc/shop.env digest=d group=shop mode=0640 object=Service/shop owner=root was=e"},
		"a file that is back": {file, File{Kind: Regular, Digest: "d"}, true, ""},
	} {
		if got := c.kept.Lies(c.have); got != c.lies {
			t.Errorf("%s: lies there: %v", name, got)
		}
		if got := c.kept.Action(c.have).String(); !c.lies && got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
}
