package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/wire"
)

// run is one life of a plugin process. The plugin that made it owns it.
type run struct {
	ready chan struct{} // closed when it came up or did not
	err   error         // why not; read after ready
	gone  chan struct{} // closed when nothing of it is left

	wire   *wire.Client
	health grpc_health_v1.HealthClient
	info   actuators.Info
	began  time.Time

	client *goplugin.Client
	proc   *process
	words  words

	calls int       // in flight; under plugin.mu
	last  time.Time // when the last one ended; under plugin.mu
	hung  chan struct{}
}

func newRun() *run {
	return &run{ready: make(chan struct{}), gone: make(chan struct{}), hung: make(chan struct{}, 1)}
}

// start verifies and launches the program and talks to it once. After an error
// nothing is left; after none, stop must be called.
func (r *run) start(s Spec, o Options, t *thread, closing <-chan struct{}) error {
	img, err := load(s, o.Scratch)
	if err != nil {
		return err
	}
	defer img.Close()
	g, err := newCgroup(o.Cgroup, s.Name)
	if err != nil {
		return err
	}
	cmd, err := command(s, img, g)
	if err != nil {
		g.remove()
		return err
	}
	r.proc = newProcess(s.Name, cmd, t, g)
	r.client = goplugin.NewClient(r.config(o))
	if err := r.comeUp(s, o, closing); err != nil {
		r.stop(o)
		if errors.Is(err, errClosed) {
			return actuators.Errorf(actuators.Unavailable, "start actuator %s: %w", s.Name, err)
		}
		return fmt.Errorf("start actuator %s (%s): %s%s", s.Name, s.program(), r.plainly(err), r.lastWords())
	}
	r.began = time.Now()
	return nil
}

func (r *run) config(o Options) *goplugin.ClientConfig {
	log := logger{to: o.Logger.With("actuator", r.proc.name), words: &r.words}
	talk := log
	talk.plugin = true
	return &goplugin.ClientConfig{
		HandshakeConfig:  wire.Handshake,
		Plugins:          goplugin.PluginSet{wire.Name: &wire.Plugin{}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     o.StartTimeout,
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: o.Folder},
		Logger:           log,
		SyncStdout:       printed{talk},
		SyncStderr:       printed{talk},
		RunnerFunc: func(_ hclog.Logger, with *exec.Cmd, dir string) (runner.Runner, error) {
			r.proc.cmd.Env = append(r.proc.cmd.Env, with.Env...)
			r.proc.dir = dir
			if c := r.proc.cmd.SysProcAttr.Credential; c != nil {
				return r.proc, os.Chown(dir, int(c.Uid), int(c.Gid))
			}
			return r.proc, nil
		},
	}
}

// comeUp waits for the first answer, but not for ever: go-plugin's own waiting
// for a connection has other limits, so the process is killed when it is late.
func (r *run) comeUp(s Spec, o Options, closing <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), o.StartTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- r.connect(ctx, s) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		r.abort(done, o)
		return fmt.Errorf("no answer within %v", o.StartTimeout)
	case <-closing:
		cancel()
		r.abort(done, o)
		return errClosed
	}
}

// abort kills a process that is coming up, and waits for who talks to it.
func (r *run) abort(done <-chan error, o Options) {
	r.proc.kill()
	t := time.NewTimer(o.StopTimeout)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

func (r *run) connect(ctx context.Context, s Spec) error {
	rpc, err := r.client.Client()
	if err != nil {
		return err
	}
	g, ok := rpc.(*goplugin.GRPCClient)
	if !ok {
		return errors.New("it does not speak gRPC")
	}
	r.health = grpc_health_v1.NewHealthClient(g.Conn)
	r.wire = wire.NewClient(g.Conn)
	r.info, err = r.wire.Info(ctx)
	if err != nil {
		return err
	}
	return wellFormed(r.info, s.Name)
}

// wellFormed refuses a plugin that is another than was declared, or says of
// itself what nobody understands.
func wellFormed(i actuators.Info, name string) error {
	if i.Name != name {
		return fmt.Errorf("it calls itself %q", short(i.Name, 64))
	}
	for _, v := range i.Verbs {
		if !slices.Contains([]actuators.Effect{actuators.None, actuators.Benign, actuators.Disruptive}, v.Effect) {
			return fmt.Errorf("its verb %q has the effect %q: must be none, benign or disruptive", short(v.Name, 64), short(string(v.Effect), 64))
		}
	}
	return nil
}

// alive asks the process whether it still answers. One that is stopped or
// frozen has not exited.
func (r *run) alive(ctx context.Context) error {
	_, err := r.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
	return err
}

// stop ends the process: politely, then not. go-plugin's Kill waits for an
// answer that a hung plugin never gives, until the process is dead.
func (r *run) stop(o Options) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.client.Kill()
		r.proc.cleanup()
	}()
	t := time.NewTimer(o.StopTimeout)
	defer t.Stop()
	select {
	case <-done:
		return
	case <-t.C:
		r.proc.kill()
	}
	t.Reset(o.StopTimeout)
	select {
	case <-done:
	case <-t.C:
		// The kernel does not let it die (a disk or a network file system that
		// is gone). It is killed as soon as it can be.
		o.Logger.Error("plugin does not die", "actuator", r.proc.name, "pid", r.proc.pid())
	}
}

// ending says how a process that ended by itself did.
func (r *run) ending() error {
	how := "it ended by itself"
	if err := r.proc.ending; err != nil {
		how = err.Error()
	}
	return errors.New(how + r.lastWords())
}

func (r *run) lastWords() string {
	line := r.words.last()
	if line == "" {
		return ""
	}
	return fmt.Sprintf(", it said %q", line)
}

// plainly makes one short line of what go-plugin says about a start: parts of
// it are the plugin's own output. It is called after stop.
func (r *run) plainly(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if strings.Contains(text, "Failed to read any lines") || strings.Contains(text, "exited before we could connect") {
		select {
		case <-r.proc.exited:
			return fmt.Sprintf("it ended before it said where to call it: %v", r.proc.ending)
		default:
		}
	}
	text = strings.Replace(text, "Unrecognized remote plugin message: ", "its first line is no handshake: ", 1)
	q := fmt.Sprintf("%q", short(text, 300))
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
