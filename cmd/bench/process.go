package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const cgroups = "/sys/fs/cgroup/"

// process is a command in a cgroup of its own, so that its CPU time and memory
// are those of all that it starts.
type process struct {
	cmd    *exec.Cmd
	cgroup string
	ended  chan error
}

func (b *bench) start(argv ...string) (*process, error) {
	b.started++
	p := &process{cgroup: cgroups + "bench-" + strconv.Itoa(b.started), ended: make(chan error, 1)}
	if err := os.Mkdir(p.cgroup, 0o755); err != nil {
		return nil, err
	}
	dir, err := os.Open(p.cgroup)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = b.log, b.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p, nil
}

// stop ends the process, politely at first.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = os.WriteFile(p.cgroup+"/cgroup.kill", []byte("1"), 0)
		<-p.ended
	}
	for range 100 {
		if err := os.Remove(p.cgroup); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s does not go away", p.cgroup)
}

// cpu is the CPU time used so far, in milliseconds.
func (p *process) cpu() float64 {
	b, err := os.ReadFile(p.cgroup + "/cpu.stat")
	if err != nil {
		return 0
	}
	var us int64
	if _, err := fmt.Sscanf(string(b), "usage_usec %d", &us); err != nil {
		return 0
	}
	return float64(us) / 1000
}

// memory is the proportional share of memory of all processes, in MB.
func (p *process) memory() (mb float64) {
	b, err := os.ReadFile(p.cgroup + "/cgroup.procs")
	if err != nil {
		return 0
	}
	for _, pid := range strings.Fields(string(b)) {
		rollup, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
		if err != nil {
			continue
		}
		for line := range bytes.Lines(rollup) {
			var kb float64
			if _, err := fmt.Sscanf(string(line), "Pss: %f kB", &kb); err == nil {
				mb += kb / 1024
			}
		}
	}
	return mb
}

// cost is what one run of a command took, in milliseconds.
type cost struct{ wall, cpu float64 }

// run runs a command to its end. Its words are kept for the error alone.
func run(argv ...string) (c cost, err error) {
	var out bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err = cmd.Run()
	c.wall = ms(time.Since(began))
	if cmd.ProcessState != nil {
		c.cpu = ms(cmd.ProcessState.SystemTime() + cmd.ProcessState.UserTime())
	}
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(argv[:min(3, len(argv))], " "), err, out.String()[:min(2000, out.Len())])
	}
	return c, err
}

// costs runs commands in turns, n times each.
func costs(n int, commands ...[]string) (wall, cpu [][]float64, err error) {
	wall, cpu = make([][]float64, len(commands)), make([][]float64, len(commands))
	for range n {
		for i, argv := range commands {
			c, e := run(argv...)
			err = errors.Join(err, e)
			wall[i], cpu[i] = append(wall[i], c.wall), append(cpu[i], c.cpu)
		}
	}
	return wall, cpu, err
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
