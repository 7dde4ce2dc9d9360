package rehearse_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

// The test binary plays other programs too, chosen by this variable: the owner
// of a host that is killed, one that lacks permission, a server on a host.
const roleVar = "REHEARSE_TEST_ROLE"

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	role, arg, _ := strings.Cut(os.Getenv(roleVar), " ")
	switch role {
	case "own":
		own()
	case "try":
		_, err := rehearse.Boot(context.Background(), rehearse.Options{})
		fmt.Println(errors.Is(err, rehearse.ErrUnavailable), err)
	case "serve":
		serve(arg)
	default:
		goleak.VerifyTestMain(m)
	}
}

// own boots a host, says what it has outside, and waits to be killed.
func own() {
	h, err := rehearse.Boot(context.Background(), rehearse.Options{Name: "orphan", Address: "10.77.9.2/24"})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(h.PID(), h.Cgroup(), h.Share())
	select {}
}

// serve answers each connection with the name of the host that it runs on.
func serve(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	fmt.Println("listening")
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		name, _ := os.Hostname()
		fmt.Fprint(c, name)
		c.Close()
	}
}

// playing is this binary in one of its roles.
func playing(role string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	return cmd
}

// inside runs a shell line in h and gives what it printed.
func inside(t *testing.T, h *rehearse.Host, line string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := h.Command(t.Context(), "/bin/sh", "-c", line)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

func mustInside(t *testing.T, h *rehearse.Host, line string) string {
	t.Helper()
	out, err := inside(t, h, line)
	if err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
	return out
}

// eventually waits for what the kernel does in its own time.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("not so after five seconds: %s", what)
}

func gone(path string) func() bool {
	return func() bool {
		_, err := os.Stat(path)
		return errors.Is(err, os.ErrNotExist)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func asNobody() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}
