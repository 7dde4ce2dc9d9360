package wire

import (
	"context"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pakashop/evenkeel/actuators"
)

// MaxMessage is the largest message, in bytes, that travels in either
// direction: content included.
const MaxMessage = 4 << 20

// Linger is how long after the end of its context an Apply or a Preview may
// still run. Then Serve ends the process: an effect that comes after its
// deadline is worse than one that is lost.
const Linger = 5 * time.Second

// Name is what go-plugin calls the one thing that a plugin process serves.
const Name = "actuator"

// Handshake must be the same on both sides. The cookie keeps a plugin that a
// human starts by hand from hanging; it is no secret. The version changes when
// an older plugin can no longer be understood.
var Handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "EVENKEEL_ACTUATOR",
	MagicCookieValue: "8f1c0b7e5d2a49c3a6f4e917d05b82ce",
}

// Serve serves an actuator to the evenkeel that started this process, and
// returns when evenkeel is done with it. It is all that a plugin's main calls.
// Nothing may be printed to standard output before.
func Serve(a actuators.Actuator) {
	log := hclog.New(&hclog.LoggerOptions{Output: os.Stderr, JSONFormat: true, Level: hclog.Warn})
	abandon := func(what string) {
		log.Error("an action did not return after its deadline: ending the plugin", "action", what, "after", Linger.String())
		os.Exit(3)
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: Handshake,
		Plugins:         goplugin.PluginSet{Name: &Plugin{actuator: a, abandon: abandon}},
		GRPCServer:      newServer,
		Logger:          log,
	})
}

func newServer(o []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(o, grpc.MaxRecvMsgSize(MaxMessage), grpc.MaxSendMsgSize(MaxMessage))...)
}

// Plugin makes the contract known to go-plugin. Its zero value is what a host
// needs; Serve makes the one of a plugin.
type Plugin struct {
	goplugin.NetRPCUnsupportedPlugin
	actuator actuators.Actuator
	abandon  func(what string)
}

var _ goplugin.GRPCPlugin = (*Plugin)(nil)

// GRPCServer is called by go-plugin in the plugin process.
func (p *Plugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	register(s, p.actuator, p.abandon)
	return nil
}

// GRPCClient is called by go-plugin in evenkeel. It returns a *Client.
func (p *Plugin) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewClient(conn), nil
}
