package ask

import (
	"context"
	"net"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// grpc asks by the gRPC health protocol, without TLS, as kubelet does.
func (a *Asker) grpc(ctx context.Context, p desired.Probing) Sample {
	to := at("", p.Probe.GRPC.Port, 0)
	var dialed atomic.Pointer[Sample] // what came of dialing, in a goroutine of the client's
	conn, err := grpc.NewClient("passthrough:///"+to.String(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		// The connection lives as long as the sample, not as the dialing of it.
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			c, err := a.dial(ctx, p, to)
			if err != nil {
				s := fault(err, p, to.String())
				dialed.Store(&s)
			}
			return c, err
		}),
		grpc.WithUserAgent(agent), grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithMaxHeaderListSize(maxHead),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxBody)),
	)
	if err != nil {
		return unknown("gRPC: " + err.Error())
	}
	defer conn.Close()
	answer, err := health.NewHealthClient(conn).Check(ctx, &health.HealthCheckRequest{Service: p.Probe.GRPC.Service})
	switch code := status.Code(err); {
	case err == nil && answer.GetStatus() == health.HealthCheckResponse_SERVING:
		return Sample{}
	case err == nil:
		return failed(state.ClassStatus, "it says "+answer.GetStatus().String())
	case code == codes.DeadlineExceeded:
		return late(to.String(), patience(p))
	case code == codes.NotFound:
		return failed(state.ClassStatus, "it knows no service "+p.Probe.GRPC.Service)
	case code == codes.Unimplemented:
		return failed(state.ClassInvalid, "it does not speak gRPC's health protocol")
	case code == codes.Unavailable && dialed.Load() != nil:
		return *dialed.Load()
	case code == codes.Unavailable:
		return failed(state.ClassInvalid, "what "+to.String()+" answers is not gRPC")
	default:
		return failed(state.ClassStatus, "gRPC answers "+code.String())
	}
}
