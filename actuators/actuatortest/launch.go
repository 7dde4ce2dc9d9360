package actuatortest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/wire"
)

// OverWire puts a wire inside this process before an actuator.
func OverWire(t testing.TB, a actuators.Actuator) actuators.Actuator {
	t.Helper()
	lis := bufconn.Listen(64 << 10)
	s := grpc.NewServer(grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage))
	wire.Register(s, a)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(lis) }()
	conn, err := grpc.NewClient("passthrough:///memory",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		s.Stop()
		<-done
	})
	return wire.NewClient(conn)
}

// Build compiles the main package in a folder, and returns the program. It is
// in a folder that only this user can write to.
func Build(t testing.TB, folder string) string {
	t.Helper()
	out, err := os.MkdirTemp("", "evenkeel-actuator-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(out) })
	if out, err = filepath.EvalSymlinks(out); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(out, "actuator")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build in %s: %v\n%s", folder, err, text)
	}
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	return program
}

// Program declares a program as evenkeel's Actuator object does, with the
// checksum that it has now.
func Program(t testing.TB, name, path string) host.Spec {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		t.Fatal(err)
	}
	return host.Spec{Name: name, Path: path, SHA256: hex.EncodeToString(sum.Sum(nil))}
}

// Launch returns a plugin that is started by its first call, and stopped at the
// end of the test. What it logs goes to the log of the test.
func Launch(t testing.TB, spec host.Spec) actuators.Actuator {
	t.Helper()
	dir, err := os.MkdirTemp("", "evenkeel-") // not t.TempDir: the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h, err := host.New([]host.Spec{spec}, host.Options{
		Folder:  dir,
		Scratch: true,
		Logger:  slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	a, err := h.Actuator(spec.Name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
