package main

import (
	"os"
	"time"
)

// idle is what evenkeel takes while nothing happens: CPU, memory, and no writes.
func (b *bench) idle() error {
	if err := b.bring(declaredServices); err != nil {
		return err
	}
	if _, err := run(evenkeelArgs("idle", "apply")...); err != nil {
		return err
	}
	quiet, err := b.idleFor(15*time.Second, "1h")
	if err != nil {
		return err
	}
	const every, window = 2 * time.Second, 16 * time.Second
	looking, err := b.idleFor(window, every.String())
	if err != nil {
		return err
	}
	// A minute of quiet, and the one look at everything that falls into it.
	look := max(0, looking.cpuMinute-quiet.cpuMinute) / (time.Minute.Seconds() / every.Seconds())
	return b.sayAll(
		atMost("I", "CPU a minute, 19 services", "ms", quiet.cpuMinute+look, 10),
		against("I", "…of which one look at everything", nil, []float64{look}, 0),
		atMost("I", "memory, proportional", "MB", looking.memory, 40),
		atMost("F", "writes while nothing changes", "", float64(quiet.writes+looking.writes), 0),
	)
}

type idleness struct {
	cpuMinute float64 // ms
	memory    float64 // MB
	writes    int     // files of the record that were touched
}

func (b *bench) idleFor(window time.Duration, resync string) (i idleness, err error) {
	p, err := b.start(evenkeelArgs("idle", "run", "--resync", resync)...)
	if err != nil {
		return i, err
	}
	defer p.stop()
	time.Sleep(4 * time.Second)
	before, files := p.cpu(), stamps()
	time.Sleep(window)
	i.cpuMinute = (p.cpu() - before) * time.Minute.Seconds() / window.Seconds()
	i.memory = p.memory()
	for name, at := range stamps() {
		if at != files[name] {
			i.writes++
		}
	}
	return i, nil
}

// stamps are when the files of the record were last written.
func stamps() map[string]time.Time {
	out := make(map[string]time.Time)
	dir := insideState + "/idle"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return out
	}
	for _, e := range entries {
		if i, err := e.Info(); err == nil {
			out[e.Name()] = i.ModTime()
		}
	}
	return out
}
