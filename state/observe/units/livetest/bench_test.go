package livetest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/units"
)

// estate declares, enables and starts n services, and returns their names.
func estate(b testing.TB, n int) []string {
	b.Helper()
	names := estateFiles(b, n)
	c := dial(b, bus.Options{})
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Go(func() {
			if r, err := c.StartUnit(b.Context(), name); err != nil || r != "done" {
				b.Errorf("start %s: %s, %v", name, r, err)
			}
		})
	}
	wg.Wait()
	return names
}

func estateFiles(b testing.TB, n int) []string {
	b.Helper()
	names := make([]string, n)
	wants := filepath.Join(unitDir, "multi-user.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		b.Fatal(err)
	}
	for i := range names {
		names[i] = instance(i + 1)
		path := filepath.Join(unitDir, names[i])
		if err := os.WriteFile(path, []byte(sleeper()), 0o644); err != nil {
			b.Fatal(err)
		}
		os.Symlink(path, filepath.Join(wants, names[i]))
	}
	time.Sleep(200 * time.Millisecond) // files that are older than the reload, as on any host at rest
	run(b, "systemctl", "daemon-reload")
	b.Cleanup(func() {
		for _, name := range names {
			os.Remove(filepath.Join(unitDir, name))
			os.Remove(filepath.Join(wants, name))
		}
		run(b, append([]string{"systemctl", "stop"}, names...)...)
		run(b, "systemctl", "daemon-reload")
	})
	return names
}

// The same estate of running services, read by both ways and in both depths.
func BenchmarkObserve(b *testing.B) {
	for _, n := range []int{1, 19, 200, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { observeBench(b, estate(b, n)) })
	}
}

func observeBench(b *testing.B, names []string) {
	for _, private := range []bool{false, true} {
		for _, lean := range []bool{false, true} {
			c := dial(b, bus.Options{PrivateFirst: private})
			o := units.New(c, clock, units.Options{Lean: lean})
			b.Run(fmt.Sprintf("private=%v/lean=%v", private, lean), func(b *testing.B) {
				own, manager := cpu()
				defer func() {
					own2, manager2 := cpu()
					b.ReportMetric(float64((own2-own).Microseconds())/1000/float64(b.N), "own-cpu-ms/op")
					b.ReportMetric(float64((manager2-manager).Microseconds())/1000/float64(b.N), "pid1-cpu-ms/op")
				}()
				for b.Loop() {
					for name, f := range o.Observe(b.Context(), names) {
						if !f.Known() || f.Value.Active != "active" || f.Value.MainPID == 0 {
							b.Fatalf("%s: %+v", name, f)
						}
					}
				}
			})
		}
	}
}

// cpu is the processor time that we and PID 1 have had: on a busy machine the
// only figures that can be compared.
func cpu() (own, manager time.Duration) {
	var ru syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	stat, _ := os.ReadFile("/sys/fs/cgroup/init.scope/cpu.stat")
	var us int64
	fmt.Sscanf(string(stat), "usage_usec %d", &us)
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano()), time.Duration(us) * time.Microsecond
}
