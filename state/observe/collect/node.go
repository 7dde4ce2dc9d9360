package collect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired"
)

// node reads /proc, and asks for the room on file systems.
func (c *Collector) node(_ context.Context, _ desired.Target, p *page) error {
	for _, r := range []struct {
		file string
		read func(text string, p *page) error
	}{
		{"loadavg", readLoad},
		{"meminfo", readMeminfo},
		{"stat", readStat},
		{"vmstat", readVmstat},
		{"sys/fs/file-nr", readFileNr},
		{"self/mounts", readMounts},
	} {
		text, err := readFile(filepath.Join(c.opt.Proc, r.file))
		if err == nil {
			err = r.read(string(text), p)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", r.file, err)
		}
	}
	for what, metrics := range pressures {
		text, err := readFile(filepath.Join(c.opt.Proc, "pressure", what))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EOPNOTSUPP) { // a kernel that does not measure it
			continue
		}
		if err == nil {
			err = readPressure(string(text), metrics, p)
		}
		if err != nil {
			return fmt.Errorf("read pressure/%s: %w", what, err)
		}
	}
	p.add(nodeTime, float64(c.opt.Now().UnixMilli())/1000)
	return nil
}

var errProc = errors.New("it is not as the kernel writes it")

func readLoad(text string, p *page) error {
	f := strings.Fields(text)
	if len(f) != 5 {
		return errProc
	}
	for i, m := range []Metric{nodeLoad1, nodeLoad5, nodeLoad15} {
		if err := must(p, m, f[i]); err != nil {
			return err
		}
	}
	return nil
}

// must adds what must be a number.
func must(p *page, m Metric, text string, labels ...string) error {
	v, ok := parsed(text)
	if !ok {
		return errProc
	}
	p.add(m, v, labels...)
	return nil
}

func readMeminfo(text string, p *page) error {
	found := 0
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		f, ok := named(nodeMemory, name)
		if !ok {
			continue
		}
		value, unit, _ := strings.Cut(strings.TrimSpace(rest), " ")
		v, ok := parsed(value)
		if !ok || unit != "kB" {
			return errProc
		}
		found++
		p.add(f.Metric, v*1024)
	}
	if found == 0 {
		return errProc
	}
	return nil
}

// cpuModes are the columns of a line of a processor, in hundredths of a second.
var cpuModes = []string{"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"}

// maxProcessors bounds the processors that are told of.
const maxProcessors = 256

func readStat(text string, p *page) error {
	found, processors := 0, 0
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		if n, ok := strings.CutPrefix(f[0], "cpu"); ok && database(n) && processors < maxProcessors {
			processors++
			if len(f) <= len(cpuModes) {
				return errProc
			}
			for i, mode := range cpuModes {
				v, ok := parsed(f[1+i])
				if !ok {
					return errProc
				}
				p.add(nodeCPU, v/100, n, mode)
			}
		}
		if one, ok := named(nodeStat, f[0]); ok {
			found++
			if err := must(p, one.Metric, f[1]); err != nil {
				return err
			}
		}
	}
	if found == 0 || processors == 0 {
		return errProc
	}
	return nil
}

func readVmstat(text string, p *page) error {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if f, ok := named(nodeVmstat, name); ok {
			if err := must(p, f.Metric, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func readFileNr(text string, p *page) error {
	f := strings.Fields(text)
	if len(f) != 3 {
		return errProc
	}
	if err := must(p, nodeFilesUsed, f[0]); err != nil {
		return err
	}
	return must(p, nodeFilesMost, f[2])
}

// readPressure reads "some avg10=0.00 … total=123" and the same of "full", in
// microseconds.
func readPressure(text string, metrics map[string]Metric, p *page) error {
	found := 0
	for line := range strings.Lines(text) {
		kind, _, _ := strings.Cut(line, " ")
		_, total, ok := strings.Cut(strings.TrimSpace(line), "total=")
		m, wanted := metrics[kind]
		if !wanted {
			continue
		}
		v, isNumber := parsed(total)
		if !ok || !isNumber {
			return errProc
		}
		found++
		p.add(m, v/1e6)
	}
	if found == 0 {
		return errProc
	}
	return nil
}
