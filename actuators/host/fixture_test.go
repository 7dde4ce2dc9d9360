package host

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/wire"
)

// The test program is its own plugin, as evenkeel is: started in a role, it is
// one of the fixtures below, most of which misbehave.
func TestMain(m *testing.M) {
	if role, ok := Role(os.Args); ok {
		play(role)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// play is the main of a plugin.
func play(role string) {
	switch role {
	case "good":
		wire.Serve(&fixture{name: "good"})
	case "liar":
		wire.Serve(&fixture{name: "somebody-else"})
	case "dies":
		os.Exit(1)
	case "dies-talking":
		fmt.Fprintln(os.Stderr, "panic: no such disk")
		os.Exit(1)
	case "silent":
		forever()
	case "garbage":
		fmt.Println("\x1b[31mHello, I am a plugin\x07")
		forever()
	case "endless":
		endless(os.Stdout, 1<<30)
		forever()
	case "netrpc":
		fmt.Println("1|1|unix|" + socket("s") + "|netrpc|")
		forever()
	case "another-version":
		fmt.Println("1|99|unix|" + socket("s") + "|grpc|")
		forever()
	case "elsewhere":
		fmt.Println("1|1|tcp|127.0.0.1:22|grpc|")
		forever()
	case "somebodys-socket":
		fmt.Println("1|1|unix|/run/dbus/system_bus_socket|grpc|")
		forever()
	case "without-tls":
		withoutTLS()
	case "deaf":
		deaf("deaf")
	case "a-host":
		aHost()
	case "knock":
		_, err := net.Dial("unix", os.Getenv("SOCKET"))
		fmt.Println(err)
	}
}

// forever waits without tripping over Go's detection of deadlocks.
func forever() { signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR1); select {} }

func socket(name string) string { return filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), name) }

// deaf says that it listens, and never answers.
func deaf(name string) {
	l, err := net.Listen("unix", socket(name))
	if err != nil {
		panic(err)
	}
	fmt.Println("1|1|unix|" + l.Addr().String() + "|grpc|")
	forever()
}

// withoutTLS answers whoever asks, in plain text.
func withoutTLS() {
	l, err := net.Listen("unix", socket("plain"))
	if err != nil {
		panic(err)
	}
	fmt.Println("1|1|unix|" + l.Addr().String() + "|grpc|")
	s := grpc.NewServer()
	wire.Register(s, &fixture{name: "without-tls"})
	_ = s.Serve(l)
}

// endless writes one line of n bytes.
func endless(f *os.File, n int) {
	block := []byte(strings.Repeat("x", 1<<20))
	for ; n > 0; n -= len(block) {
		if _, err := f.Write(block); err != nil {
			return
		}
	}
}

// aHost is an evenkeel with one running plugin, whose process id it prints.
func aHost() {
	h, err := New([]Spec{{Name: "good", Role: "good"}}, Options{Folder: os.Getenv("FOLDER")})
	if err != nil {
		panic(err)
	}
	if _, err := h.plugins["good"].Info(context.Background()); err != nil {
		panic(err)
	}
	fmt.Println(h.Status()[0].PID)
	forever()
}

// fixture does what its verb says.
type fixture struct{ name string }

func (f *fixture) Info(context.Context) (actuators.Info, error) {
	i := actuators.Info{Name: f.name, Version: "1"}
	for _, v := range []string{"pid", "environment", "config", "user", "crash", "panic", "hang", "child", "escaped-child", "print", "wait"} {
		i.Verbs = append(i.Verbs, actuators.Verb{Name: v, Effect: actuators.Benign, Args: []string{"file", "until"}, Help: "Does it."})
	}
	return i, nil
}

func (f *fixture) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	res := actuators.Result{Changed: true, Detail: fmt.Sprint(os.Getpid()), Data: map[string]string{}}
	switch r.Verb {
	case "environment":
		for _, e := range os.Environ() {
			k, v, _ := strings.Cut(e, "=")
			res.Data[k] = v
		}
	case "config":
		var c struct {
			Colour string `json:"colour"`
		}
		err := wire.Config(&c)
		res.Detail = c.Colour
		return res, err
	case "user":
		groups, err := os.Getgroups()
		res.Detail = fmt.Sprint(os.Getuid(), os.Geteuid(), os.Getgid(), groups)
		return res, err
	case "crash": // after the effect and before the reply
		if err := note(r.Args["file"]); err != nil {
			return res, err
		}
		os.Exit(7)
	case "panic":
		panic("no such disk")
	case "hang": // and heeds no deadline
		if err := note(r.Args["file"]); err != nil {
			return res, err
		}
		time.Sleep(time.Hour)
	case "wait": // for a file
		if err := note(r.Args["file"]); err != nil {
			return res, err
		}
		for !exists(r.Args["until"]) {
			time.Sleep(time.Millisecond)
		}
	case "child", "escaped-child":
		c := exec.Command("/bin/sleep", "3600")
		c.Stderr = os.NewFile(2, "stderr") // it keeps our standard error open
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: r.Verb == "escaped-child"}
		if err := c.Start(); err != nil {
			return res, err
		}
		res.Detail = strconv.Itoa(c.Process.Pid)
	case "print":
		endless(os.NewFile(1, "stdout"), 1<<30)
		endless(os.NewFile(2, "stderr"), 1<<30)
	}
	return res, nil
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// note appends a line to a file: an effect that can be counted.
func note(file string) error {
	w, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer w.Close()
	_, err = w.WriteString("once\n")
	return err
}
