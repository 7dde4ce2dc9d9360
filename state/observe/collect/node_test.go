package collect

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/desired"
)

// kernel is a small /proc.
var kernel = map[string]string{
	"loadavg":         "0.52 0.48 0.40 2/345 6789\n",
	"meminfo":         "MemTotal:        8000000 kB\nMemAvailable:    6000000 kB\nHugePages_Total:       0\nActive(anon):     11 kB\n",
	"stat":            "cpu  10 20 30 40 50 60 70 80 0 0\ncpu0 150 0 30 40 50 60 70 80 0 0\nintr 5 6\nctxt 99\nbtime 1795800000\nprocesses 12\nprocs_running 2\nprocs_blocked 0\n",
	"vmstat":          "nr_free_pages 1\npgfault 7\noom_kill 3\n",
	"sys/fs/file-nr":  "1024\t0\t9223372036854775807\n",
	"self/mounts":     "overlay / overlay rw,relatime 0 0\nproc /proc proc rw 0 0\nserver:/x /srv/nfs nfs4 rw 0 0\nsshfs /home/x fuse.sshfs rw 0 0\n",
	"pressure/cpu":    "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
	"pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n",
}

func proc(t testing.TB, files map[string]string) *Collector {
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := tester("")
	c.opt.Proc = dir
	return c
}

func TestNode(t *testing.T) {
	text, err := proc(t, kernel).Collect(t.Context(), desired.Target{Collector: "node"})
	if err != nil {
		t.Fatal(err)
	}
	proper(t, text)
	has(t, string(text), "node_load1 0.52", "node_load15 0.4", "node_memory_MemTotal_bytes 8.192e+09", "node_memory_MemAvailable_bytes 6.144e+09", `node_cpu_seconds_total{cpu="0",mode="user"} 1.5`,
		"node_boot_time_seconds 1.7958e+09", "node_vmstat_oom_kill 3", "# TYPE node_vmstat_oom_kill untyped", "node_filefd_allocated 1024", "node_pressure_cpu_waiting_seconds_total 2.5", "node_pressure_memory_stalled_seconds_total 1",
		`node_filesystem_readonly{device="overlay",fstype="overlay",mountpoint="/"} 0`)
	for _, not := range []string{"nfs", "fuse", `"/proc"`, "node_pressure_io"} {
		if strings.Contains(string(text), not) {
			t.Errorf("%s shows in\n%s", not, text)
		}
	}
}

// Each file that is not as the kernel writes it is an error, and no metrics.
func TestNodeWithoutAKernel(t *testing.T) {
	for name := range kernel {
		for _, text := range []string{"", "x", "total=", strings.Repeat("cpu0 1\n", 1000), "some total=x\n", "MemTotal: x kB\n", "a b c d e", strings.Repeat("x", maxRead+1)} {
			files := map[string]string{}
			for k, v := range kernel {
				files[k] = v
			}
			files[name] = text
			got, err := proc(t, files).Collect(t.Context(), desired.Target{Collector: "node"})
			if name == "self/mounts" || name == "vmstat" { // any text may leave out what is wanted
				continue
			}
			if err == nil || got != nil {
				t.Errorf("%s is %.20q:\n%s", name, text, got)
			}
		}
	}
}

func TestMounts(t *testing.T) {
	all := mounts("/dev/sda1 / ext4 rw 0 0\n/dev/sdb /srv/my\\040disk xfs ro,noatime 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/sdc /run btrfs rw 0 0\nshort line\n\\0 \\777 x y\noverlay /var/lib/docker/overlay2/x overlay rw 0 0\n")
	all = slices.DeleteFunc(all, func(m mount) bool { return !m.ordinary() })
	want := []mount{{"/dev/sda1", "/", "ext4", false}, {"/dev/sdb", "/srv/my disk", "xfs", true}, {"/dev/sdc", "/run", "btrfs", false}}
	if !slices.Equal(all, want) {
		t.Errorf("%+v", all)
	}
}

func FuzzProc(f *testing.F) {
	for _, text := range kernel {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := newPage()
		for _, read := range []func(string, *page) error{readLoad, readMeminfo, readStat, readVmstat, readFileNr, func(s string, p *page) error { return readPressure(s, pressures["memory"], p) }} {
			_ = read(text, p)
		}
		for _, m := range mounts(text) {
			if m.ordinary() {
				p.add(nodeSize, 1, m.device, m.kind, m.point)
			}
		}
		if p.n <= maxSamples {
			finished(t, p)
		}
	})
}
