package ward_test

import (
	"strconv"
	"time"

	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/state"
)

// fates are what may befall a host, each as often as it says.
var fates = []struct {
	name  string
	often int
	do    func(w *ward, b *bed)
}{
	{"killed", 10, func(w *ward, b *bed) { w.die(b, "signal") }},
	{"exits", 4, func(w *ward, b *bed) { w.die(b, "success") }},
	{"hangs", 16, func(w *ward, b *bed) { w.befall(b, hung) }},
	{"is replaced by something else", 3, func(w *ward, b *bed) { w.befall(b, wrong) }},
	{"is tired", 4, func(w *ward, b *bed) { w.befall(b, tired) }},
	{"crashes", 7, func(w *ward, b *bed) { w.befall(b, crashing) }},
	{"is stuck", 1, func(w *ward, b *bed) { w.befall(b, stuck) }},
	{"the first of all hangs", 6, func(w *ward, _ *bed) { w.befall(&w.beds[0], hung) }},
	{"the first of all is killed", 3, func(w *ward, _ *bed) { w.die(&w.beds[0], "signal") }},
	{"all hang", 2, func(w *ward, _ *bed) { w.all(hung) }},
	{"all are killed", 1, func(w *ward, _ *bed) {
		for i := range w.beds {
			w.die(&w.beds[i], "signal")
		}
	}},
	{"loopback is lost", 4, func(w *ward, _ *bed) { w.net(lost) }},
	{"nothing can be asked", 3, func(w *ward, _ *bed) { w.net(shut) }},
	{"the network is back", 6, func(w *ward, _ *bed) { w.net(whole) }},
	{"the endpoint goes down or comes back", 4, func(w *ward, _ *bed) {
		for i := range w.down {
			w.down[i] = !w.down[i]
		}
		w.ripple()
	}},
	{"cannot be read for a while", 4, func(w *ward, b *bed) {
		b.blind = "no answer"
		w.after(time.Duration(w.dice.IntN(90))*time.Second, evSee, w.places[b.unit], 0)
		w.signal(b)
	}},
	{"the host cannot be read for a while", 2, func(w *ward, _ *bed) {
		w.blindHost = true
		w.after(time.Duration(w.dice.IntN(90))*time.Second, evSee, -1, 0)
		w.hostChanged()
	}},
	{"signals are late, or no longer", 2, func(w *ward, _ *bed) { w.late = !w.late }},
	{"is stopped by hand", 4, func(w *ward, b *bed) { w.byHand(b, "stop"); w.stop(b) }},
	{"is started by hand", 3, func(w *ward, b *bed) { w.byHand(b, "start"); w.start(b, true) }},
	{"is restarted by hand", 3, func(w *ward, b *bed) { w.byHand(b, "restart"); w.restart(b) }},
	{"is masked, or no longer", 3, func(w *ward, b *bed) {
		masked := !b.u.Masked()
		w.byHand(b, map[bool]string{true: "mask", false: "unmask"}[masked])
		w.mask(b, masked)
	}},
	{"suspend", 3, func(w *ward, b *bed) { w.asks(hand.Suspend, b) }},
	{"resume", 3, func(w *ward, b *bed) { w.asks(hand.Resume, b) }},
	{"stop", 2, func(w *ward, b *bed) { w.asks(hand.Stop, b) }},
	{"start", 1, func(w *ward, b *bed) { w.asks(hand.Start, b) }},
	{"restart", 2, func(w *ward, b *bed) { w.asks(hand.Restart, b) }},
	{"retry", 3, func(w *ward, b *bed) { w.asks(hand.Retry, b) }},
	{"approve", 3, func(w *ward, b *bed) { w.approves() }},
	{"the kill switch is set, or taken away", 2, func(w *ward, _ *bed) { w.host.Stopped = !w.host.Stopped; w.hostChanged() }},
	{"a package manager begins, or ends", 2, func(w *ward, _ *bed) {
		if w.host.Packages = !w.host.Packages; !w.host.Packages {
			w.host.PackagesUntil = w.up + time.Minute
		}
		w.hostChanged()
	}},
	{"the clock is set", 2, func(w *ward, _ *bed) { w.wall = w.wall.Add(time.Duration(w.dice.IntN(7200)-3600) * time.Second) }},
	{"evenkeel is killed", 6, func(w *ward, _ *bed) { w.dies(time.Duration(w.dice.IntN(30)) * time.Second) }},
	{"evenkeel is away", 2, func(w *ward, _ *bed) { w.dies(time.Duration(w.dice.IntN(1200)) * time.Second) }},
	{"the host is rebooted", 1, func(w *ward, _ *bed) { w.reboot() }},
}

var oftenAll = func() (n int) {
	for _, f := range fates {
		n += f.often
	}
	return n
}()

// happens has something happen to the host.
func (w *ward) happens() {
	if len(w.rings) > 0 && chance(w.dice, 40) {
		w.alarming()
		return
	}
	b := &w.beds[w.dice.IntN(len(w.beds))]
	n := w.dice.IntN(oftenAll)
	for i := range fates {
		if n -= fates[i].often; n < 0 {
			w.tell("--- %s: %s", b.unit, fates[i].name)
			fates[i].do(w, b)
			return
		}
	}
}

// befall gives a unit an illness of a kind, cured by this or that.
func (w *ward) befall(b *bed, kind int) {
	if b.ill.kind != none || b.svc < 0 {
		return
	}
	i := illness{kind: kind, cure: pick(w.dice, byRestart, byRestart, byRestart, byFix, byTime, never)}
	if kind == tired {
		i.cure = pick(w.dice, byTime, byTime, byRestart)
	}
	if i.cure == byRestart {
		i.left = pick(w.dice, 0, 0, 0, 1, 2, 4)
		if kind == crashing || kind == stuck {
			i.left++ // the first start is systemd's or evenkeel's
		}
	}
	if kind == crashing {
		i.after = pick(w.dice, 100*time.Millisecond, 3*time.Second, 40*time.Second, 11*time.Minute)
	}
	if i.cure == byTime {
		w.after(time.Duration(1+w.dice.IntN(600))*time.Second, evCure, w.places[b.unit], 0)
	}
	w.tell("%s: %+v", b.unit, i)
	w.falls(b, i)
}

func (w *ward) all(kind int) {
	for i := range w.beds {
		if w.beds[i].ill.kind == none {
			w.falls(&w.beds[i], illness{kind: kind, cure: byTime})
			w.after(time.Duration(60+w.dice.IntN(600))*time.Second, evCure, i, 0)
		}
	}
}

func (w *ward) net(is int) {
	w.network = is
	w.pokeAll()
}

func (w *ward) signal(b *bed) {
	if w.alive {
		w.readUnit(b)
	}
}

func (w *ward) hostChanged() {
	if w.alive {
		w.readHost()
	}
}

// byHand is what a human does to systemd itself.
func (w *ward) byHand(b *bed, verb string) {
	down := !b.u.Up() && b.u.Active != "activating"
	if verb == "stop" && down || verb != "stop" && verb != "mask" && verb != "unmask" && b.u.Masked() {
		return // nothing comes of it
	}
	if b.blind != "" && verb == "stop" {
		return // nobody could know
	}
	if err := w.auditor.Saw(audit.Deed{At: w.now(), Unit: b.unit, Verb: verb}); err != nil {
		w.breach("%v", err)
	}
}

// asks asks evenkeel as a human does. What cannot be is refused.
func (w *ward) asks(verb string, b *bed) {
	if !w.alive {
		return
	}
	w.hands(hand.Request{
		Verb: verb, Objects: []string{w.set.Services[b.svc].Object()}, Actor: "anna",
		For: time.Duration(1+w.dice.IntN(60)) * time.Minute,
	})
}

// approves lets go what waits for a human.
func (w *ward) approves() {
	if !w.alive {
		return
	}
	for _, h := range w.plan.Held {
		if h.Reason == state.AwaitingApproval && len(h.Steps) > 0 {
			if w.allowed != nil {
				w.allowed[h.Steps[0]] = true
			}
			w.hands(hand.Request{Verb: hand.Approve, Names: h.Steps[:1], Actor: "anna"})
			return
		}
	}
}

func (w *ward) hands(r hand.Request) {
	_, notes, err := hand.Decide(r, hand.Scene{
		Want: w.set, Have: w.have, Past: w.past, Plan: w.plan, Now: w.now(),
		NewID: func() string { w.invocations++; return "ask" + strconv.Itoa(w.invocations) },
	})
	w.tell("a human asks for %s: %v", r.Verb, err)
	for i := range notes {
		w.append(state.Entry{At: w.now(), Note: &notes[i]})
	}
	w.due = err == nil
}

// reboot ends everything, and systemd starts what is enabled.
func (w *ward) reboot() {
	w.dies(0)
	w.wall, w.up = w.wall.Add(w.up), 0
	w.boots++
	w.boot = "b" + strconv.Itoa(w.boots)
	for i := range w.rings {
		w.rings[i].hush = 0 // how long it lasts beyond nobody need know
	}
	w.queue.list, w.blindHost = w.queue.list[:0], false
	w.host.System, w.host.Jobs, w.host.Stopped, w.host.Packages, w.host.PackagesUntil = "starting", 1, false, false, 0
	for i := range w.beds {
		b := &w.beds[i]
		b.life++
		b.starts, b.broken, b.lapse, b.blind = b.starts[:0], false, -1, ""
		u := running(b.unit, b.u.Restart)
		u.Load, u.Boot = b.u.Load, b.u.Boot
		u.Active, u.Sub, u.Invocation, u.MainPID, u.Entered, u.Changed = "inactive", "dead", "", 0, 0, 0
		b.u = u
		if b.ill.cure == byTime {
			b.ill = illness{}
		}
		if w.set.Services[b.svc].Spec.State == "running" {
			w.after(time.Duration(2000+w.dice.IntN(8000))*time.Millisecond, evStartUnit, i, 0)
		}
	}
	w.after(12*time.Second, evBooted, 0, 0)
	w.after(time.Duration(5+w.dice.IntN(10))*time.Second, evReborn, 0, w.life)
}
