package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// askEvery is how often each service is asked in row D.
const askEvery = 5 * time.Second

// steady is row D: services that are well, each asked every five seconds, by
// evenkeel, by Monit and by a program that does nothing but ask.
func (b *bench) steady() error {
	for _, n := range []int{declaredServices, 200} {
		if err := b.steadyWith(n); err != nil {
			return fmt.Errorf("%d services: %w", n, err)
		}
	}
	return nil
}

func (b *bench) steadyWith(n int) error {
	answers, err := b.bringAnswering(n)
	if err != nil {
		return err
	}
	defer answers.stop()
	record := "steady-" + strconv.Itoa(n)
	if _, err := run(evenkeelArgs(record, "apply")...); err != nil {
		return err
	}
	// Exactly one look at everything falls into this minute, as into any other: the
	// first comes 36 to 54 s after the start, the second not before 72.
	own, err := b.steadyFor(time.Minute, n, evenkeelArgs(record, "run", "--resync", "45s")...)
	if err != nil {
		return fmt.Errorf("evenkeel: %w", err)
	}
	what := fmt.Sprintf("CPU a minute, %d services asked each 5 s, ", n)
	if err := b.besideMonit(n, what, own); err != nil {
		return fmt.Errorf("measure Monit: %w", err)
	}
	bare, err := b.steadyFor(20*time.Second, n, insideBench, "prober", strconv.Itoa(n))
	if err != nil {
		return fmt.Errorf("the bare prober: %w", err)
	}
	return b.sayAll(
		against("D", what+"against a bare prober", []float64{bare.cpuMinute}, []float64{own.cpuMinute}, 0),
		atMost("D", fmt.Sprintf("memory of that, proportional (the prober's: %.0f MB)", bare.memory), "MB", own.memory, 40),
	)
}

// bringAnswering makes n services run that are asked, and starts what answers
// for them.
func (b *bench) bringAnswering(n int) (*process, error) {
	probe := func(i int) string {
		return fmt.Sprintf("livenessProbe: {httpGet: {path: /health, port: %d}, periodSeconds: %.0f}", askedPort+i, askEvery.Seconds())
	}
	if err := b.bring(n, probe); err != nil {
		return nil, err
	}
	p, err := b.start(insideBench, "answer", strconv.Itoa(n))
	if err != nil {
		return nil, err
	}
	if _, err := asked(); err != nil {
		_ = p.stop() // what it says is in the log
		return nil, err
	}
	return p, nil
}

// besideMonit has Monit find the processes by what they are called, as it must
// where nobody writes pid files, and by pid files.
func (b *bench) besideMonit(n int, what string, own steadiness) error {
	if _, err := exec.LookPath("monit"); err != nil {
		return b.say(blocked("D", what+"against Monit", "there is no Monit on this host; .ci/layer says why"))
	}
	for _, way := range []struct {
		find, what string
		budget     float64
	}{
		{findByName, "against Monit", 1},
		{findByPIDFile, "against Monit with pid files", 1},
	} {
		argv, err := b.configureMonit(n, way.find)
		if err != nil {
			return err
		}
		its, err := b.steadyFor(30*time.Second, n, argv...)
		if err != nil {
			return err
		}
		if err := monitIsContent(); err != nil {
			return err
		}
		if err := b.say(against("D", what+way.what, []float64{its.cpuMinute}, []float64{own.cpuMinute}, way.budget)); err != nil {
			return err
		}
	}
	return nil
}

// steadiness is what one side takes in the steady state.
type steadiness struct {
	cpuMinute float64 // ms, of asking each service twelve times
	memory    float64 // MB
}

// steadyFor measures a side over whole rounds, and that it really asks. The
// window begins in the middle between two rounds of those who ask all at once.
// Monit's rounds are five seconds and its work apart, so that on a busy machine
// it asks less often: the CPU time is that of as much asking as is declared.
func (b *bench) steadyFor(window time.Duration, n int, argv ...string) (s steadiness, err error) {
	p, err := b.start(argv...)
	if err != nil {
		return s, err
	}
	defer p.stop()
	time.Sleep(3 * askEvery / 2)
	was, err := asked()
	if err != nil {
		return s, err
	}
	before := p.cpu()
	time.Sleep(window)
	used := p.cpu() - before
	s.memory = p.memory()
	is, err := asked()
	if err != nil {
		return s, err
	}
	did, want := is-was, n*int(window/askEvery)
	if did < want*3/4 || did > want*5/4 {
		return s, fmt.Errorf("it asked %d times, want %d", did, want)
	}
	s.cpuMinute = used * time.Minute.Seconds() / window.Seconds() * float64(want) / float64(did)
	return s, nil
}
