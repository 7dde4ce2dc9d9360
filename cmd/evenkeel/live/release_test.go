package live_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const shop = "/opt/shop"

// A release is code that is deployed and rolled back as configuration is: by one
// word in the declaration, a link that is switched at once, and one restart.
func TestReleasesAreSwitchedAsDeclared(t *testing.T) {
	t.Parallel()
	b := boot(t, "release")
	b.declare("first", service("first", sleeper()))
	b.keep()
	b.well("first")
	for _, c := range releaseTests {
		t.Run(c.name, func(t *testing.T) { c.f(b.on(t)) })
	}
}

// unpack puts a release there, whole at once: what it starts writes down which
// release it is.
func (b box) unpack(version string) {
	b.Helper()
	b.sh(strings.NewReplacer("VERSION", version, "SHOP", shop).Replace(`mkdir -p SHOP/releases SHOP/.VERSION && printf '#!/bin/sh\necho VERSION >> /run/shop.started\nexec sleep infinity\n' > SHOP/.VERSION/run &&
		chmod 755 SHOP/.VERSION/run && mv SHOP/.VERSION SHOP/releases/VERSION`))
}

// shopAt declares a release of the shop, which may be restarted often.
func shopAt(version string, spec ...string) string {
	unit := strings.Replace(bare("ExecStart="+shop+"/current/run"), "[Unit]\n", "[Unit]\nStartLimitIntervalSec=0\n", 1)
	return service("shop", unit, append(spec, `release: {dir: `+shop+`/releases, version: "`+version+`"}`)...)
}

// started is which releases were started since the last call, oldest first.
func (b box) started() string {
	b.Helper()
	return strings.Join(strings.Fields(b.sh("cat /run/shop.started; : > /run/shop.started")), " ")
}

// watched looks where the link leads as often as it can until stop is called,
// which tells of each place that it saw, in order; "-" where there was no link.
func (b box) watched() (stop func() string) {
	link := filepath.Join(b.host.Root(), shop, "current")
	done := make(chan struct{})
	var seen []string
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			to, err := os.Readlink(link)
			if err != nil {
				to = "-"
			}
			if len(seen) == 0 || seen[len(seen)-1] != to {
				seen = append(seen, to)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	return func() string {
		close(done)
		wg.Wait()
		return strings.Join(seen, " ")
	}
}

// kept finds what was displaced of the link's path, by how long it is.
func kept(content string) string {
	return fmt.Sprintf("$(evenkeel displaced list | awk '$6 == \"%s/current\" && $5 == %d {print $1}')", shop, len(content))
}

func leads(version string) string {
	return "test $(readlink " + shop + "/current) = releases/" + version + " && systemctl is-active -q shop"
}

var releaseTests = []struct {
	name string
	f    func(box)
}{
	{"the first one waits for its folder, and is started when it comes", func(b box) {
		b.declare("shop", shopAt("1.41.0"))
		r := b.held("shop", "ReleaseDrift")
		if !strings.Contains(r.Detail, shop+"/releases/1.41.0 does not exist") {
			b.Errorf("it does not say what is missing: %s", r.Detail)
		}
		b.sh("! test -e " + shop + "/current && ! systemctl is-active -q shop && ! test -e /run/shop.started")
		b.unpack("1.41.0")
		b.comes(leads("1.41.0"))
		b.well("shop")
		if got := b.started(); got != "1.41.0" {
			b.Errorf("started: %s", got)
		}
	}},
	{"another version: switched, never absent, restarted once; and back", func(b box) {
		b.unpack("1.42.0")
		for _, way := range [][2]string{{"1.41.0", "1.42.0"}, {"1.42.0", "1.41.0"}, {"1.41.0", "1.42.0"}} {
			stop := b.watched()
			did := b.follows("shop", leads(way[1])+" && grep -q . /run/shop.started", shopAt(way[1]))
			b.well("shop")
			if got, want := stop(), "releases/"+way[0]+" releases/"+way[1]; got != want {
				b.Errorf("the link led to %s, want %s", got, want)
			}
			b.only(did, "file.write ReleaseDrift", "systemd.restart StaleProcess")
			if got := b.started(); got != way[1] {
				b.Errorf("started: %s, want %s once", got, way[1])
			}
		}
	}},
	{"a version that is not there: nothing is switched, and it goes on by itself", func(b box) {
		b.declare("shop", shopAt("1.43.0"))
		r := b.held("shop", "ReleaseDrift")
		if r.State != "WARN" || !strings.Contains(r.Detail, "releases/1.43.0 does not exist") {
			b.Errorf("%s: %s", r.State, r.Detail)
		}
		b.sh(leads("1.42.0"))
		b.unpack("1.43.0")
		b.comes(leads("1.43.0"))
		b.well("shop")
		if got := b.started(); got != "1.43.0" {
			b.Errorf("started: %s", got)
		}
	}},
	{"a deploy by another is switched back, and kept", func(b box) {
		was := b.invocation("shop")
		did := b.heals("shop", "ln -s /opt/shop/releases/1.41.0 /opt/shop/next && mv -T /opt/shop/next /opt/shop/current", "file.write ReleaseDrift", leads("1.43.0"))
		b.only(did, "file.write ReleaseDrift")
		if b.invocation("shop") != was {
			b.Error("it was restarted, though nothing that it runs has changed")
		}
		b.sh("evenkeel displaced show " + kept(shop+"/releases/1.41.0") + " | grep -qx /opt/shop/releases/1.41.0")
	}},
	{"a file in its place is replaced, and kept", func(b box) {
		b.only(b.heals("shop", "echo human > /opt/shop/file && mv -T /opt/shop/file /opt/shop/current", "file.write ReleaseDrift", leads("1.43.0")), "file.write ReleaseDrift")
		b.sh("evenkeel displaced show " + kept("human\n") + " | grep -qx human")
	}},
	{"a folder in its place is left alone, and told", func(b box) {
		b.sh("mkdir /opt/shop/mine && touch /opt/shop/mine/precious && " + unseen("rm /opt/shop/current && mv -T /opt/shop/mine /opt/shop/current"))
		if r := b.held("shop", "NotAllowed"); !strings.Contains(r.Detail, "/opt/shop/current is a folder") {
			b.Errorf("it says %s", r.Detail)
		}
		b.sh("test -e /opt/shop/current/precious && " + unseen("mv -T /opt/shop/current /opt/shop/mine"))
		b.comes(leads("1.43.0"))
		b.well("shop")
	}},
	{"what was displaced comes back, and stays for a while", func(b box) {
		b.sh("evenkeel displaced restore " + kept(shop+"/releases/1.41.0"))
		b.sh("test $(readlink /opt/shop/current) = /opt/shop/releases/1.41.0")
		b.must(0, "resume", "shop")
		b.comes(leads("1.43.0"))
		b.well("shop")
	}},
	{"drift ignore: a deploy by another is run", func(b box) {
		b.follows("shop", "true", shopAt("1.43.0", "drift: ignore"))
		b.well("shop")
		b.started()
		did := b.heals("shop", "ln -s releases/1.42.0 /opt/shop/next && mv -T /opt/shop/next /opt/shop/current", "systemd.restart StaleProcess", leads("1.42.0")+" && grep -q . /run/shop.started")
		b.only(did, "systemd.restart StaleProcess")
		if got := b.started(); got != "1.42.0" {
			b.Errorf("started: %s", got)
		}
	}},
	{"drift warn: it is run, and told", func(b box) {
		b.follows("shop", "true", shopAt("1.42.0", "drift: warn"))
		b.well("shop")
		b.sh("ln -s releases/1.43.0 /opt/shop/next && mv -T /opt/shop/next /opt/shop/current")
		b.comes("grep -qx 1.43.0 /run/shop.started")
		if r := b.held("shop", "ReleaseDrift"); r.State != "WARN" || !strings.Contains(r.Detail, "current is 1.43.0, and 1.42.0 is declared") {
			b.Errorf("%s: %s", r.State, r.Detail)
		}
		b.sh(leads("1.43.0"))
	}},
	{"no longer declared: the link goes with what evenkeel made", func(b box) {
		b.declare("shop", shopAt("1.43.0", "onRemove: delete"))
		b.well("shop")
		b.declare("second", service("second", sleeper()))
		b.declare("third", service("third", sleeper()))
		b.well("second", "third")
		b.sh("rm " + desiredDir + "/shop.yaml")
		b.comes("! test -e /etc/systemd/system/shop.service && ! test -L /opt/shop/current && ! systemctl is-active -q shop && test -e /opt/shop/releases/1.43.0/run")
	}},
}
