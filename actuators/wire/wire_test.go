package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/wire/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is an actuator that does what a test says.
type fake struct {
	info  actuators.Info
	apply func(context.Context, actuators.Request) (actuators.Result, error)
}

func (f *fake) Info(context.Context) (actuators.Info, error) { return f.info, nil }

func (f *fake) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	return f.apply(ctx, r)
}

// previewing is a fake with the optional half.
type previewing struct{ *fake }

func (p previewing) Preview(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	return p.apply(ctx, r)
}

// over serves an actuator in this process. The server is returned so that a
// test can kill it.
func over(t testing.TB, a actuators.Actuator) (*Client, *grpc.Server) {
	return serving(t, func(s *grpc.Server) { Register(s, a) })
}

func serving(t testing.TB, put func(*grpc.Server)) (*Client, *grpc.Server) {
	t.Helper()
	lis := bufconn.Listen(64 << 10)
	s := newServer(nil)
	put(s)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(lis) }()
	conn, err := grpc.NewClient("passthrough:///memory",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); s.Stop(); <-done })
	return NewClient(conn), s
}

func start(unit string) actuators.Request {
	return actuators.Request{Action: actuators.Action{Actuator: "fake", Verb: "start", Target: unit}}
}

func TestErrorsKeepTheirKindAndText(t *testing.T) {
	kinds := []actuators.Kind{
		actuators.Internal, actuators.Invalid, actuators.NotFound, actuators.Refused, actuators.Conflict,
		actuators.Timeout, actuators.Unavailable, actuators.Unknown, actuators.Failed,
	}
	for _, k := range kinds {
		t.Run(k.String(), func(t *testing.T) {
			want := fmt.Errorf("start a.service: %w", actuators.Errorf(k, "it is so"))
			c, _ := over(t, &fake{apply: func(context.Context, actuators.Request) (actuators.Result, error) {
				return actuators.Result{}, want
			}})
			_, err := c.Apply(t.Context(), start("a.service"))
			var e *actuators.Error
			if !errors.As(err, &e) || e.Kind != k || err.Error() != want.Error() {
				t.Errorf("got %#v %q, want kind %v and %q", err, err, k, want)
			}
		})
	}
}

func TestWhatAPlainErrorBecomes(t *testing.T) {
	tests := map[string]struct {
		err  error
		kind actuators.Kind
		text string
	}{
		"a plain error is internal":     {io.ErrUnexpectedEOF, actuators.Internal, "unexpected EOF"},
		"a context's error is timeout":  {context.DeadlineExceeded, actuators.Timeout, "context deadline exceeded"},
		"a kind nobody knows":           {&actuators.Error{Kind: 77, Err: io.EOF}, actuators.Internal, "EOF"},
		"a text that is not UTF-8":      {actuators.Errorf(actuators.Failed, "caf\xe9"), actuators.Failed, "caf\uFFFD"},
		"a text without end is clipped": {actuators.Errorf(actuators.Failed, "%s", strings.Repeat("x", 1<<20)), actuators.Failed, strings.Repeat("x", maxText) + "…"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, _ := over(t, &fake{apply: func(context.Context, actuators.Request) (actuators.Result, error) {
				return actuators.Result{}, tt.err
			}})
			_, err := c.Apply(t.Context(), start("a.service"))
			if actuators.KindOf(err) != tt.kind || err.Error() != tt.text && err.Error() != tt.text[:min(len(tt.text), maxText)]+"…" {
				t.Errorf("got %v %.80q, want %v %.80q", actuators.KindOf(err), err, tt.kind, tt.text)
			}
		})
	}
}

// coded is a plugin in another language: it knows codes, and no Fault.
type coded struct {
	proto.UnimplementedActuatorServiceServer
	code codes.Code
}

func (c coded) Apply(context.Context, *proto.ApplyRequest) (*proto.ApplyResponse, error) {
	return nil, status.Error(c.code, "no")
}

func TestCodesAreEnoughForAPluginInAnotherLanguage(t *testing.T) {
	for kind, code := range codeOf {
		want := kind
		if kind == actuators.Internal || kind == actuators.Unavailable {
			want = actuators.Unknown // a transport sends these too: look again
		}
		t.Run(code.String(), func(t *testing.T) {
			c, _ := serving(t, func(s *grpc.Server) { proto.RegisterActuatorServiceServer(s, coded{code: code}) })
			_, err := c.Apply(t.Context(), start("a.service"))
			if got := actuators.KindOf(err); got != want {
				t.Errorf("%v became %v (%v), want %v", code, got, err, want)
			}
		})
	}
}

func TestAPluginThatIsLost(t *testing.T) {
	t.Run("in the middle of Apply: unknown", func(t *testing.T) {
		began := make(chan struct{})
		c, s := over(t, &fake{apply: func(ctx context.Context, _ actuators.Request) (actuators.Result, error) {
			close(began)
			<-ctx.Done()
			return actuators.Result{}, nil
		}})
		go func() { <-began; s.Stop() }()
		_, err := c.Apply(t.Context(), start("a.service"))
		if got := actuators.KindOf(err); got != actuators.Unknown {
			t.Errorf("got %v: %v", got, err)
		}
	})
	t.Run("in the middle of Preview: nothing happened", func(t *testing.T) {
		began := make(chan struct{})
		c, s := over(t, previewing{&fake{apply: func(ctx context.Context, _ actuators.Request) (actuators.Result, error) {
			close(began)
			<-ctx.Done()
			return actuators.Result{}, nil
		}}})
		go func() { <-began; s.Stop() }()
		_, err := c.Preview(t.Context(), start("a.service"))
		if got := actuators.KindOf(err); got != actuators.Unavailable {
			t.Errorf("got %v: %v", got, err)
		}
	})
	t.Run("before anything was sent: unavailable", func(t *testing.T) {
		c, s := over(t, &fake{})
		s.Stop()
		_, err := c.Apply(t.Context(), start("a.service"))
		if got := actuators.KindOf(err); got != actuators.Unavailable {
			t.Errorf("got %v: %v", got, err)
		}
	})
}

func TestTheCallersPatience(t *testing.T) {
	seen := make(chan time.Time, 1)
	ended := make(chan error, 1)
	c, _ := over(t, &fake{apply: func(ctx context.Context, _ actuators.Request) (actuators.Result, error) {
		d, _ := ctx.Deadline()
		seen <- d
		<-ctx.Done()
		ended <- ctx.Err()
		return actuators.Result{}, ctx.Err()
	}})
	deadline := time.Now().Add(50 * time.Millisecond)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	_, err := c.Apply(ctx, start("a.service"))
	if actuators.KindOf(err) != actuators.Timeout || ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a deadline that passed: %v %v", actuators.KindOf(err), err)
	}
	if d := <-seen; d.IsZero() || d.Sub(deadline).Abs() > time.Second {
		t.Errorf("the plugin saw the deadline %v, want %v", d, deadline)
	}
	<-ended

	ctx, cancel = context.WithCancel(t.Context())
	go func() { <-seen; cancel() }()
	_, err = c.Apply(ctx, start("a.service"))
	if actuators.KindOf(err) != actuators.Timeout || !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v %v", actuators.KindOf(err), err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the plugin saw %v, want that it was cancelled", err)
	}
	if _, err := c.Info(ctx); actuators.KindOf(err) != actuators.Timeout {
		t.Errorf("info with an ended context: %v", err)
	}
}

func TestWithoutPreview(t *testing.T) {
	c, _ := over(t, &fake{})
	_, err := c.Preview(t.Context(), start("a.service"))
	if !errors.Is(err, actuators.ErrNoPreview) || actuators.KindOf(err) != actuators.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestWhatCannotTravelIsRefusedBeforeItIsSent(t *testing.T) {
	c, _ := over(t, &fake{apply: func(context.Context, actuators.Request) (actuators.Result, error) {
		t.Error("it was sent")
		return actuators.Result{}, nil
	}})
	big, latin, args := start("a"), start("caf\xe9"), start("a")
	big.Content = make([]byte, MaxMessage)
	args.Args = map[string]string{"k": "\xff"}
	for name, r := range map[string]actuators.Request{"too large": big, "target": latin, "argument": args} {
		if _, err := c.Apply(t.Context(), r); actuators.KindOf(err) != actuators.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAResultTooLargeToReportIsUnknown(t *testing.T) {
	c, _ := over(t, &fake{apply: func(context.Context, actuators.Request) (actuators.Result, error) {
		return actuators.Result{Data: map[string]string{"all": strings.Repeat("x", MaxMessage)}}, nil
	}})
	if _, err := c.Apply(t.Context(), start("a")); actuators.KindOf(err) != actuators.Unknown {
		t.Errorf("got %v", err)
	}
}

func TestTheLargestContentTravels(t *testing.T) {
	const n = MaxMessage - 100
	c, _ := over(t, &fake{apply: func(_ context.Context, r actuators.Request) (actuators.Result, error) {
		return actuators.Result{Detail: fmt.Sprint(len(r.Content))}, nil
	}})
	r := start("a")
	r.Content = make([]byte, n)
	if res, err := c.Apply(t.Context(), r); err != nil || res.Detail != fmt.Sprint(n) {
		t.Errorf("got %v, %v", res, err)
	}
}

// Everything that the contract can say arrives as it was said, in particular
// content that is there and empty.
func TestRoundTrip(t *testing.T) {
	text := rapid.String()
	words := rapid.MapOfN(text, text, 0, 4)
	f := &fake{}
	c, _ := over(t, f)
	rapid.Check(t, func(rt *rapid.T) {
		want := actuators.Request{
			Action: actuators.Action{Actuator: text.Draw(rt, "actuator"), Verb: text.Draw(rt, "verb"), Target: text.Draw(rt, "target"), Args: orNil(words.Draw(rt, "args"))},
			Key:    text.Draw(rt, "key"),
		}
		if rapid.Bool().Draw(rt, "has content") {
			want.Content = rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(rt, "content")
		}
		answer := actuators.Result{Changed: rapid.Bool().Draw(rt, "changed"), Detail: text.Draw(rt, "detail"), Displaced: text.Draw(rt, "displaced"), Data: orNil(words.Draw(rt, "data"))}
		var got actuators.Request
		f.apply = func(_ context.Context, r actuators.Request) (actuators.Result, error) { got = r; return answer, nil }
		res, err := c.Apply(t.Context(), want)
		if err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(want, got) + cmp.Diff(answer, res); d != "" {
			rt.Fatal(d)
		}
		f.info = actuators.Info{Name: text.Draw(rt, "name"), Version: text.Draw(rt, "version"), Verbs: []actuators.Verb{{
			Name: "start", Effect: actuators.Benign, Content: answer.Changed, Args: []string{text.Draw(rt, "arg")}, Help: answer.Detail,
		}}}
		info, err := c.Info(t.Context())
		if d := cmp.Diff(f.info, info); err != nil || d != "" {
			rt.Fatal(err, d)
		}
	})
}

func orNil(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
}

func TestACallThatOutlivesItsDeadlineEndsThePlugin(t *testing.T) {
	hang := func(synctestWait time.Duration) (abandoned string) {
		synctest.Test(t, func(t *testing.T) {
			s := &server{abandon: func(what string) { abandoned = what }}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			done := s.watch(ctx, start("a.service").Action)
			time.Sleep(synctestWait)
			done()
			synctest.Wait()
		})
		return abandoned
	}
	if got := hang(time.Second + Linger - time.Millisecond); got != "" {
		t.Errorf("abandoned %q within its grace", got)
	}
	if got := hang(time.Second + Linger + time.Millisecond); got != "fake.start a.service" {
		t.Errorf("abandoned %q after its grace, want the action", got)
	}
}

func TestConfig(t *testing.T) {
	type config struct {
		Folder string `json:"folder"`
	}
	for text, want := range map[string]string{"": "kept", `{"folder":"/etc"}`: "/etc", `{"foldr":"/etc"}`: `unknown field "foldr"`, `{`: "unexpected EOF"} {
		t.Setenv(ConfigVariable, text)
		c := config{Folder: "kept"}
		err := Config(&c)
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && c.Folder != want {
			t.Errorf("%q: %v, %v", text, c, err)
		}
	}
}
