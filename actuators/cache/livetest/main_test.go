package livetest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators/cache"
	"github.com/pakashop/evenkeel/actuators/gather"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/wire"
	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	if role, ok := host.Role(os.Args); ok {
		if role == gather.Name {
			wire.Serve(gather.New("1"))
			return
		}
		wire.Serve(cache.New("1"))
		return
	}
	o := rehearse.Options{Name: "cache"}
	if !hosttest.Inside() {
		layer, err := rehearse.PackageLayer()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		o.Layers = []string{layer}
	}
	hosttest.MainWith(m, o)
}

func run(t testing.TB, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
