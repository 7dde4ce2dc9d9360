package controller_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/desired"
)

// declared are plugins that are only noted.
type declared struct {
	mu  sync.Mutex
	log []string
}

func (d *declared) Actuator(name string) (actuators.Actuator, error) {
	return nil, actuators.Errorf(actuators.NotFound, "no actuator %q", name)
}

func (d *declared) Declare(all []desired.Actuator) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for _, a := range all {
		names = append(names, a.Name)
	}
	d.log = append(d.log, strings.Join(names, " "))
	return errors.New("one of them is wrong") // which stops nothing
}

func (d *declared) said() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.log)
}

func plugin(name string) string {
	return "---\napiVersion: evenkeel.dev/v1\nkind: Actuator\nmetadata: {name: " + name + "}\nspec: {path: /usr/lib/evenkeel/actuators/" + name +
		", sha256: " + strings.Repeat("ab", 32) + "}\n"
}

// The operator's plugins are those that are wanted, from the first pass on and
// whenever that changes.
func TestPluginsAreDeclaredAsTheyAreWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := newRig(t, service("web")+plugin("motd")), &declared{}
		c, err := controller.New(controller.Options{
			Source: r.source, Observer: r.host, Store: r.store, Actuators: r.host.Actuators(), Plugins: d, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { r.host.Run(ctx) })
		wg.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
		r.quiet()
		r.source.offer(declare(t, service("web")+plugin("motd")+plugin("lights")), nil)
		r.quiet()
		r.source.offer(nil, errors.New("invalid"))
		r.quiet()
		r.source.offer(declare(t, service("web")), nil)
		r.quiet()
		cancel()
		wg.Wait()
		if got, want := d.said(), []string{"motd", "lights motd", ""}; !slices.Equal(got, want) {
			t.Errorf("declared were %q, want %q", got, want)
		}
		if n := r.store.did("systemd.start"); n != 1 {
			t.Errorf("%d starts, want 1: a plugin that is wrong stops nothing", n)
		}
	})
}
