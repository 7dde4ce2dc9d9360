// Bench measures evenkeel against the physical limit of each kind of work and
// prints the ratios. Machines differ and are noisy, so a figure alone says
// little; both sides of each ratio are measured in one run, in turns, on one
// disposable host.
//
// It is built by .ci/bench alone. It imports controller/rehearse for the host
// and state/record for the cost of recording; everything else it measures from
// outside, through the binary that users run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

// Where the host sees what it is given.
const (
	insideBench    = "/run/bench/bench"
	insideEvenkeel = "/run/bench/evenkeel"
	insideHello    = "/run/bench/hello"
	insideState    = "/run/bench/state" // on the machine's own disk: what is recorded is synced for real
)

// The roles in which this program starts itself inside of the host.
var roles = map[string]func(args []string) error{
	"inside":  inside,
	"watcher": watcher,
	"drifter": drifter,
	"starter": starter,
	"answer":  answer,
	"prober":  prober,
	"export":  export,
}

func main() {
	if rehearse.Init() {
		return
	}
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		exit(roles[os.Args[1]](os.Args[2:]))
	}
	exit(outside())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// options are what a run is told.
type options struct {
	evenkeel, hello string
	layer           string
	rows, jsonFile  string
	runs            int
	strict          bool
	keep            string
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.evenkeel, "evenkeel", "./evenkeel", "the evenkeel binary to measure")
	f.StringVar(&o.hello, "hello", "", "a Go program that only says hello, to compare the start with")
	f.StringVar(&o.layer, "layer", "", "a folder with Monit and Prometheus installed, laid over the host's root, to compare rows D and G with")
	f.StringVar(&o.rows, "rows", "ABCDEFGIJS", "which rows to measure: A to G, I(dle), J (a commit), S(tart)")
	f.StringVar(&o.jsonFile, "json", "", "also write the results to this file, one JSON object a line")
	f.IntVar(&o.runs, "runs", 20, "how often each side of row A is measured; the others follow")
	f.BoolVar(&o.strict, "strict", false, "exit 1 if a budget is missed")
	f.StringVar(&o.keep, "keep", "", "keep evenkeel's log and records in this new folder")
	err = f.Parse(args)
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	if err == nil && o.runs < 1 {
		err = errors.New("-runs must be 1 or more")
	}
	return o, err
}

func (o options) has(row string) bool { return strings.Contains(o.rows, row) }

// outside boots the host, runs the measuring in it and prints the table.
func outside() error {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	began := time.Now()
	results, err := measure(ctx, o)
	if len(results) > 0 {
		fmt.Print(table(results))
		fmt.Printf("%d s; the machine's own noise is in every figure, only the ratios compare\n", int(time.Since(began).Seconds()))
	}
	if err != nil {
		return err
	}
	if o.jsonFile != "" {
		if err := writeLines(o.jsonFile, results); err != nil {
			return err
		}
	}
	if missed := missed(results); missed > 0 && o.strict {
		return fmt.Errorf("%d budgets are missed, or could not be measured", missed)
	}
	return nil
}

func measure(ctx context.Context, o options) ([]result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	evenkeel, err := filepath.Abs(o.evenkeel)
	if err != nil {
		return nil, err
	}
	disk, err := os.MkdirTemp("/var/tmp", "evenkeel-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(disk)
	binds := []rehearse.Bind{
		{Source: self, Target: insideBench, ReadOnly: true},
		{Source: evenkeel, Target: insideEvenkeel, ReadOnly: true},
		{Source: disk, Target: insideState},
	}
	if o.hello != "" {
		hello, err := filepath.Abs(o.hello)
		if err != nil {
			return nil, err
		}
		binds = append(binds, rehearse.Bind{Source: hello, Target: insideHello, ReadOnly: true})
	}
	var layers []string
	if o.layer != "" {
		layers = append(layers, o.layer)
	}
	h, err := rehearse.Boot(ctx, rehearse.Options{Name: "bench", Binds: binds, Layers: layers})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	cmd := h.Command(ctx, append([]string{insideBench, "inside"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	results, err := readLines(out)
	if err == nil {
		_, err = io.Copy(io.Discard, out)
	}
	werr := cmd.Wait()
	if o.keep != "" {
		werr = errors.Join(werr, os.CopyFS(o.keep, os.DirFS(disk)))
	}
	return results, errors.Join(err, werr, h.Close())
}
