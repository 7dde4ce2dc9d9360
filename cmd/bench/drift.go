package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// mends are the measurements of one side of row B.
type mends struct{ file, loaded, reloads []float64 }

// drift is row B: a unit file is edited until its content is back and loaded.
func (b *bench) drift() error {
	if err := b.bring(declaredServices); err != nil {
		return err
	}
	record := "drift"
	if _, err := run(evenkeelArgs(record, "apply")...); err != nil {
		return err
	}
	var limit, evenkeel mends
	for done := 0; done < b.runs; done += perBlock {
		n := min(perBlock, b.runs-done)
		if err := b.driftBlock(&limit, n, insideBench, "drifter"); err != nil {
			return fmt.Errorf("bare inotify: %w", err)
		}
		if err := b.driftBlock(&evenkeel, n, evenkeelArgs(record, "run")...); err != nil {
			return fmt.Errorf("evenkeel: %w", err)
		}
	}
	return b.sayAll(
		against("B", "a unit file edited until back and loaded", limit.loaded, evenkeel.loaded, 1.05),
		against("B", "the same until the file is back", limit.file, evenkeel.file, 0),
		atMost("B", "file back", "ms", median(evenkeel.file), 3),
		atMost("B", "daemon-reloads for five edited at once", "", median(evenkeel.reloads), 1),
	)
}

func (b *bench) driftBlock(to *mends, n int, argv ...string) error {
	p, err := b.start(argv...)
	if err != nil {
		return err
	}
	defer p.stop()
	time.Sleep(1500 * time.Millisecond)
	for range n {
		time.Sleep(500*time.Millisecond + rand.N(300*time.Millisecond))
		b.systemd.forget()
		began := time.Now()
		if err := edit(victim); err != nil {
			return err
		}
		back, err := b.back(victim)
		if err != nil {
			return err
		}
		loaded, err := b.systemd.reloaded(20 * time.Second)
		if err != nil {
			return err
		}
		to.file, to.loaded = append(to.file, ms(back.Sub(began))), append(to.loaded, ms(loaded.Sub(began)))
	}
	time.Sleep(time.Second)
	reloads, err := b.batch()
	to.reloads = append(to.reloads, float64(reloads))
	return err
}

// batch edits five unit files at once and counts the daemon-reloads.
func (b *bench) batch() (int, error) {
	b.systemd.forget()
	var errs []error
	for i := 1; i <= 5; i++ {
		errs = append(errs, edit(i))
	}
	for i := 1; i <= 5; i++ {
		_, err := b.back(i)
		errs = append(errs, err)
	}
	time.Sleep(time.Second)
	return b.systemd.reloads(), errors.Join(errs...)
}

// edit is what a hand does: it writes into the file that lies there.
func edit(i int) error {
	f, err := os.OpenFile(unitFolder+unitName(i), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("# edited by hand\n")
	return errors.Join(err, f.Close())
}

// back waits until a unit file has its content again.
func (b *bench) back(i int) (time.Time, error) {
	want := []byte(unitText(i))
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(100 * time.Microsecond) {
		if have, err := os.ReadFile(unitFolder + unitName(i)); err == nil && bytes.Equal(have, want) {
			return time.Now(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is not back", unitName(i))
}
