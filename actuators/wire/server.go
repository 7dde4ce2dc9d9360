package wire

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	gproto "google.golang.org/protobuf/proto"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/wire/proto"
)

// Register puts an actuator behind a gRPC server, for who brings a transport of
// their own. Plugins call Serve.
func Register(s grpc.ServiceRegistrar, a actuators.Actuator) { register(s, a, nil) }

func register(s grpc.ServiceRegistrar, a actuators.Actuator, abandon func(string)) {
	proto.RegisterActuatorServiceServer(s, &server{actuator: a, abandon: abandon})
}

// server is the plugin's end of the wire.
type server struct {
	proto.UnimplementedActuatorServiceServer
	actuator actuators.Actuator
	abandon  func(what string) // nil: nobody watches for calls that outlive their context
}

func (s *server) Info(ctx context.Context, _ *proto.InfoRequest) (*proto.InfoResponse, error) {
	i, err := s.actuator.Info(ctx)
	if err != nil {
		return nil, toStatus(err)
	}
	return fromInfo(i), nil
}

func (s *server) Apply(ctx context.Context, in *proto.ApplyRequest) (*proto.ApplyResponse, error) {
	res, err := s.call(ctx, toRequest(in.GetRequest()), s.actuator.Apply)
	if err != nil {
		return nil, err
	}
	return &proto.ApplyResponse{Result: res}, nil
}

func (s *server) Preview(ctx context.Context, in *proto.PreviewRequest) (*proto.PreviewResponse, error) {
	p, ok := s.actuator.(actuators.Previewer)
	if !ok {
		return nil, status.Error(codes.Unimplemented, "no preview")
	}
	res, err := s.call(ctx, toRequest(in.GetRequest()), p.Preview)
	if err != nil {
		return nil, err
	}
	return &proto.PreviewResponse{Result: res}, nil
}

func (s *server) call(ctx context.Context, r actuators.Request, do func(context.Context, actuators.Request) (actuators.Result, error)) (*proto.Result, error) {
	defer s.watch(ctx, r.Action)()
	res, err := do(ctx, r)
	if errors.Is(err, actuators.ErrNoPreview) {
		return nil, status.Error(codes.Unimplemented, err.Error())
	}
	if err != nil {
		return nil, toStatus(err)
	}
	out := fromResult(res)
	if n := gproto.Size(out); n > MaxMessage-1024 {
		return nil, toStatus(actuators.Errorf(actuators.Unknown, "%s: its result of %d bytes is too large to report", r.Action, n))
	}
	return out, nil
}

// watch abandons a call that still runs Linger after its context ended. The
// function that it returns ends the watch.
func (s *server) watch(ctx context.Context, a actuators.Action) func() {
	if s.abandon == nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		t := time.NewTimer(Linger)
		defer t.Stop()
		select {
		case <-done:
		case <-t.C:
			s.abandon(a.String())
		}
	}()
	return func() { close(done) }
}
