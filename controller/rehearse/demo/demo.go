// Package demo shows evenkeel at work on a disposable host: the whole example
// estate brought up from nothing, broken by hand in one way after another, and
// healed or held as declared. It does what a person at a terminal would do,
// with the same commands, and checks every outcome through the JSON of the
// command line; it fails if one does not come about in time.
//
// It imports the standard library and controller/rehearse. Where no disposable
// host can be had, Run returns an error that is [rehearse.ErrUnavailable]
// before it has shown anything, so that its caller can show something else.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

// Options says what is shown and to whom.
type Options struct {
	Out      io.Writer               // where the story goes; default standard output
	Evenkeel string                  // the evenkeel binary; default this program's own
	Examples string                  // the folder of the examples; default "examples"
	Layer    string                  // what `make setup` made; default where it makes it
	Color    bool                    // emphasis in Out
	Patience time.Duration           // how long one thing may take to heal; default a minute
	Pause    func(next string) error // called before each breakage; nil does not wait

	breaks []breakage // for tests; nil is all
}

func (o *Options) fill() (err error) {
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Examples == "" {
		o.Examples = "examples"
	}
	if _, err := os.Stat(filepath.Join(o.Examples, "pakashop", "service")); err != nil {
		return fmt.Errorf("show the demo: it takes a clone's examples folder, and builds from it: %w", err)
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if o.Evenkeel == "" {
		if o.Evenkeel, err = os.Executable(); err != nil {
			return err
		}
	}
	return nil
}

// Run shows it all. It returns an error as soon as something is not as it was
// announced; the host is gone in any case when it returns.
func Run(ctx context.Context, o Options) (err error) {
	if err := o.fill(); err != nil {
		return err
	}
	began := time.Now()
	s := &show{Options: o}
	if err := s.boot(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.host.Close()) }()
	acts := []func(context.Context) error{s.furnish, s.converge, s.breakAll, s.lastLook}
	for _, act := range acts {
		if err := act(ctx); err != nil {
			if ctx.Err() == nil { // else the watcher has had enough
				s.explain(err)
			}
			return err
		}
	}
	s.say("")
	s.title("Done in %s. The host is taken away; this machine was not touched.", time.Since(began).Round(time.Second))
	return nil
}

// show is one run.
type show struct {
	Options
	host *rehearse.Host
}

func (s *show) say(format string, args ...any) {
	fmt.Fprintf(s.Out, format+"\n", args...)
}

func (s *show) title(format string, args ...any) {
	s.say("%s", s.emphasis("1", "== "+fmt.Sprintf(format, args...)))
}

// typed shows a command as it would be typed on the host.
func (s *show) typed(format string, args ...any) {
	s.say("%s", s.emphasis("36", "  # "+fmt.Sprintf(format, args...)))
}

func (s *show) good(format string, args ...any) {
	s.say("  %s", s.emphasis("32", fmt.Sprintf(format, args...)))
}

func (s *show) emphasis(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// explain shows what the controller said last, which is what one wants to know.
func (s *show) explain(err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s.say("")
	s.say("%s", s.emphasis("31", "FAILED: "+err.Error()))
	for _, argv := range [][]string{
		{"evenkeel", "status"},
		{"journalctl", "--no-pager", "-n", "30", "-u", "evenkeel"},
		{"systemctl", "--no-pager", "--failed"},
	} {
		s.typed("%s", strings.Join(argv, " "))
		out, _ := s.host.Command(ctx, argv...).CombinedOutput() // whatever it says helps
		s.say("%s", strings.TrimRight(string(out), "\n"))
	}
}
