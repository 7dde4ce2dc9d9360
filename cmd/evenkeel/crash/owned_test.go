package crash_test

import (
	"os"
	"testing"
)

// What evenkeel wrote is evenkeel's, also if it died over it: it leaves with
// its declaration, and nothing is taken for a human's.
func TestWhatACrashLeftIsStillEvenkeels(t *testing.T) {
	const drop = unitDir + "/crash-x.service.d/40-more.conf"
	for _, point := range []string{"file.write.before", "file.write.after", "outcome.before", "outcome.after"} {
		t.Run(point, func(t *testing.T) {
			b := newBox(t)
			without, with := b.x("", "  state: stopped\n"), b.x("", "  state: stopped\n  dropIns: [{name: 40-more, content: \"[Service]\\nNice=3\\n\"}]\n")
			b.declare(without)
			b.converge()
			b.declare(with)
			if r := b.apply(point); !r.killed {
				t.Fatalf("not killed: exit %d\n%s%s", r.code, r.out, r.err)
			}
			b.converge()
			b.declare(without)
			b.converge()
			if _, err := os.Lstat(drop); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", drop, err)
			}
			if kept, _ := os.ReadDir(b.state + "/displaced"); len(kept) > 0 {
				t.Errorf("evenkeel's own file was kept as a human's: %v", kept)
			}
		})
	}
}

// A mask that was being made when evenkeel died is lifted with its declaration;
// one that a human made stands.
func TestAMaskThatACrashLeftIsLiftedAgain(t *testing.T) {
	for _, point := range []string{"systemd.mask.before", "systemd.mask.after", "outcome.before"} {
		t.Run(point, func(t *testing.T) {
			b := newBox(t)
			b.put(vendor+"/crash-m.service", b.unit("crash-m", "", ""))
			b.systemctl("daemon-reload")
			b.declare(service("crash-m", spec+"  state: stopped\n  boot: masked\n"))
			if r := b.apply(point); !r.killed {
				t.Fatalf("not killed: exit %d\n%s%s", r.code, r.out, r.err)
			}
			b.converge()
			b.declare(service("crash-m", spec+"  state: stopped\n  boot: enabled\n"))
			b.converge()
			b.systemctl("mask", "crash-m.service")
			if r := b.apply(""); r.code != 1 {
				t.Errorf("exit %d, want 1: a human's mask stands\n%s%s", r.code, r.out, r.err)
			}
		})
	}
}
