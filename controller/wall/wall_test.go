package wall

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is far longer than anything takes.
const patience = 30 * time.Second

// terminal opens a real one, and returns its far end and its name.
func terminal(t *testing.T, mode os.FileMode) (far *os.File, name string) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	raw, err := far.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var cerr error
	if err := raw.Control(func(fd uintptr) {
		if cerr = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); cerr == nil {
			n, cerr = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	name = fmt.Sprint("pts/", n)
	near, err := os.OpenFile("/dev/"+name, os.O_RDWR|unix.O_NOCTTY, 0) // a shell has it open
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	if err := near.Chmod(mode); err != nil {
		t.Fatal(err)
	}
	return far, name
}

// login is a line of utmp.
func login(kind uint16, line string) []byte {
	b := make([]byte, utmpLength())
	binary.NativeEndian.PutUint16(b, kind)
	copy(b[linePlace:linePlace+lineLength], line)
	return b
}

// books lists logins in utmp, and in logind's folder.
func books(t *testing.T, utmp []byte, sessions map[string]string) Options {
	t.Helper()
	o := Options{Utmp: filepath.Join(t.TempDir(), "utmp"), Sessions: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	if err := os.WriteFile(o.Utmp, utmp, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, content := range sessions {
		if err := os.WriteFile(filepath.Join(o.Sessions, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// runs shows texts until the test ends.
func runs(t *testing.T, o Options) *Wall {
	t.Helper()
	w := New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return w
}

// shows reads from the far end until a text comes by.
func shows(t *testing.T, far *os.File, text string) string {
	t.Helper()
	if err := far.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	b := make([]byte, 4096)
	for !strings.Contains(got.String(), text) {
		n, err := far.Read(b)
		if err != nil {
			t.Fatalf("%q is not shown, only %q: %v", text, got.String(), err)
		}
		got.Write(b[:n])
	}
	return got.String()
}

// A text is shown on the terminals of all who are logged in, by whichever book,
// and once where both list it.
func TestShownToThoseWhoAreLoggedIn(t *testing.T) {
	first, firstName := terminal(t, 0o620)
	second, secondName := terminal(t, 0o620)
	o := books(t, append(login(userProcess, firstName), login(userProcess, secondName)...), map[string]string{"7": "UID=1000\nTTY=" + secondName + "\n"})
	if err := unix.Mkfifo(filepath.Join(o.Sessions, "7.ref"), 0o600); err != nil { // as logind has one for each
		t.Fatal(err)
	}
	w := runs(t, o)
	w.Tell("web.service was stopped by hand\nand more")
	for _, far := range []*os.File{first, second} {
		got := shows(t, far, "and more\r")
		if !strings.Contains(got, "Message from evenkeel on ") || !strings.Contains(got, "  web.service was stopped by hand\r") || strings.Count(got, "and more") != 1 {
			t.Errorf("shown: %q", got)
		}
	}
}

// Whoever wants no messages gets none; he who comes after him does.
func TestMesgN(t *testing.T) {
	deaf, deafName := terminal(t, 0o600)
	open, openName := terminal(t, 0o620)
	if err := write("/dev/"+deafName, []byte("x")); err != errUnwanted {
		t.Errorf("written to a terminal with mesg n: %v", err)
	}
	w := runs(t, books(t, append(login(userProcess, deafName), login(userProcess, openName)...), nil))
	w.Tell("hello")
	shows(t, open, "hello")
	if err := os.Chmod("/dev/"+deafName, 0o620); err != nil {
		t.Fatal(err)
	}
	w.Tell("now")
	if got := shows(t, deaf, "now"); strings.Contains(got, "hello") {
		t.Errorf("shown in spite of mesg n: %q", got)
	}
}

// A terminal that takes nothing keeps nobody waiting.
func TestATerminalThatIsNotRead(t *testing.T) {
	_, stuck := terminal(t, 0o620)
	far, name := terminal(t, 0o620)
	var err error
	for range 10000 {
		if err = write("/dev/"+stuck, make([]byte, 1024)); err != nil {
			break
		}
	}
	if err == nil {
		t.Fatal("the terminal takes everything")
	}
	w := runs(t, books(t, append(login(userProcess, stuck), login(userProcess, name)...), nil))
	w.Tell("hello")
	shows(t, far, "hello")
}

// Nothing waits for the one who shows: what is too much is dropped.
func TestTellNeverWaits(t *testing.T) {
	w := New(books(t, nil, nil)) // nobody runs it
	for i := range 1000 {
		w.Tell(fmt.Sprint(i))
	}
	if n := len(w.texts); n != cap(w.texts) {
		t.Errorf("%d texts wait, want %d", n, cap(w.texts))
	}
}

// The books name terminals and nothing else.
func TestTerminals(t *testing.T) {
	var utmp []byte
	for _, b := range [][]byte{
		login(userProcess, "pts/3"), login(8, "pts/9"), login(2, "~"), login(userProcess, "tty1"), login(userProcess, "../etc/passwd"),
		login(userProcess, ":0"), login(userProcess, "pts/../sda"), login(userProcess, "sda"), login(userProcess, strings.Repeat("p", 40)),
		{7, 0, 1},
	} {
		utmp = append(utmp, b...)
	}
	o := books(t, utmp, map[string]string{"1": "TTY=tty1\n", "c2": "USER=x\nTTY=pts/4\nTTY_VALIDITY=from-utmp\n", "3": "TTY=/dev/sda\n", "4": "UID=0\n"})
	if d := cmp.Diff([]string{"/dev/pts/3", "/dev/pts/4", "/dev/tty1"}, terminals(o.Utmp, o.Sessions)); d != "" {
		t.Errorf("terminals (-want +got):\n%s", d)
	}
	if got := terminals("/no/such/book", "/no/such/folder"); len(got) != 0 {
		t.Errorf("terminals without books: %v", got)
	}
}

// What is no terminal is not written to, whatever a book says of it.
func TestWriteToWhatIsNoTerminal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o622); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, "/dev/null", "/no/such/terminal"} {
		if err := write(path, []byte("x")); err == nil {
			t.Errorf("written to %s", path)
		}
	}
	if b, err := os.ReadFile(file); err != nil || len(b) > 0 {
		t.Errorf("the file has %q, %v", b, err)
	}
}

// Words of strangers cannot steer a terminal.
func TestFrame(t *testing.T) {
	at := time.Date(2026, 11, 23, 14, 5, 7, 0, time.UTC)
	got := frame("stopped by \x1b]0;owned\x07anna\u009b31m\r\tnow\n"+strings.Repeat("a", 2*maxLine), at)
	body := strings.SplitN(got, "\r\n", 3)[2]
	if strings.ContainsAny(strings.ReplaceAll(body, "\r\n", ""), "\x1b\x07\u009b\r\t\n") || !strings.HasPrefix(body, "  stopped by ]0;ownedanna31mnow\r\n") {
		t.Errorf("frame: %q", body[:60])
	}
	if !strings.Contains(got, "14:05:07 UTC") || len(got) > 2*maxLine {
		t.Errorf("frame of %d bytes: %q", len(got), got[:60])
	}
}
