package live_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// window declares a change window for the services with one label.
func window(name string, allow bool, schedule, duration, tier string) string {
	return fmt.Sprintf("apiVersion: evenkeel.dev/v1\nkind: ChangeWindow\nmetadata: {name: %s}\nspec: {allow: %t, schedule: %q, duration: %s, timeZone: Africa/Lusaka, match: ['tier=%q']}\n", name, allow, schedule, duration, tier)
}

// labelled gives a declared object a tier.
func labelled(object, tier string) string {
	return strings.Replace(object, "metadata: {name: ", "metadata: {labels: {tier: "+tier+"}, name: ", 1)
}

// The day before yesterday is in no window of an hour, and every minute is in
// one that opens each minute.
var (
	never  = fmt.Sprintf("0 0 %d %d *", time.Now().AddDate(0, 0, -2).Day(), int(time.Now().AddDate(0, 0, -2).Month()))
	always = "* * * * *"
)

// What is declared anew waits for its change window; what is down does not.
func TestChangesWaitForTheirWindow(t *testing.T) {
	t.Parallel()
	b := boot(t, "window")
	b.declare("windows",
		window("closed", true, never, "1h", "closed"), window("open", true, always, "2m", "open"),
		window("frozen", false, always, "2m", "frozen"), window("frozen-too", true, always, "2m", "frozen"))
	tiers := []string{"closed", "open", "frozen", "free"}
	declared := func(tier, value string) string {
		return labelled(service(tier, sleeper(), fileSpec(tier, value)), tier)
	}
	for _, tier := range tiers {
		b.declare(tier, declared(tier, "1"))
	}
	b.keep()
	b.well(tiers...)

	before := b.history("")
	for _, tier := range tiers {
		b.declare(tier, declared(tier, "2"))
	}
	for _, tier := range tiers {
		b.comes("grep -qx A=2 /etc/" + tier + "/env")
	}
	b.well("open", "free")
	for _, tier := range []string{"closed", "frozen"} {
		if r := b.held(tier, "OutsideWindow"); r.State != "HELD" {
			t.Errorf("%s is %s on the board, want HELD", tier, r.State)
		}
		b.pendingRestart(tier)
	}
	for _, h := range b.diff().Held {
		until, err := time.Parse(time.RFC3339, h.Until)
		if h.Object == "Service/closed" && (err != nil || until.Before(time.Now().AddDate(0, 11, 0))) {
			t.Errorf("%s is held for %s until %q; its window opens in a year", h.Object, h.Reason, h.Until)
		}
	}
	b.only(b.since(before, ""),
		"file.write FileDrift", "file.write FileDrift", "file.write FileDrift", "file.write FileDrift",
		"systemd.restart StaleProcess", "systemd.restart StaleProcess")

	// A repair is made at once, and brings what is new with it.
	b.heals("frozen", "systemctl kill -s KILL frozen", "systemd.start Failed", "systemctl is-active -q frozen")
	// A human may, at any time.
	b.must(0, "restart", "--pending", "--all")
	b.well(tiers...)
}
