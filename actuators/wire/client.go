package wire

import (
	"context"
	"unicode/utf8"

	"google.golang.org/grpc"
	gproto "google.golang.org/protobuf/proto"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/wire/proto"
)

// Client is evenkeel's end of the wire: an actuator that lives in another
// process. It always has Preview; behind it may be an actuator that has not,
// and then Preview returns actuators.ErrNoPreview.
//
// Its errors are *actuators.Error. What the plugin said keeps its Kind. A
// context that ended is Timeout. A plugin that is lost is Unavailable when the
// request had not been sent, or could have no effect, and Unknown otherwise.
type Client struct {
	conn grpc.ClientConnInterface
}

var (
	_ actuators.Actuator  = (*Client)(nil)
	_ actuators.Previewer = (*Client)(nil)
)

// NewClient speaks to the actuator behind a connection, which the caller closes.
func NewClient(conn grpc.ClientConnInterface) *Client { return &Client{conn: conn} }

// Info asks the plugin.
func (c *Client) Info(ctx context.Context) (actuators.Info, error) {
	var out proto.InfoResponse
	_, err := c.call(ctx, proto.ActuatorService_Info_FullMethodName, &proto.InfoRequest{}, &out)
	if err != nil {
		return actuators.Info{}, toError(ctx, "info", false, err)
	}
	return toInfo(&out), nil
}

// Apply asks the plugin to act.
func (c *Client) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	in := &proto.ApplyRequest{Request: fromRequest(r)}
	if err := check(r, in); err != nil {
		return actuators.Result{}, err
	}
	var out proto.ApplyResponse
	sent, err := c.call(ctx, proto.ActuatorService_Apply_FullMethodName, in, &out)
	if err != nil {
		return actuators.Result{}, toError(ctx, r.String(), sent, err)
	}
	return toResult(out.GetResult()), nil
}

// Preview asks the plugin what Apply would do.
func (c *Client) Preview(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	in := &proto.PreviewRequest{Request: fromRequest(r)}
	if err := check(r, in); err != nil {
		return actuators.Result{}, err
	}
	var out proto.PreviewResponse
	_, err := c.call(ctx, proto.ActuatorService_Preview_FullMethodName, in, &out)
	if unimplemented(err) {
		return actuators.Result{}, actuators.Errorf(actuators.Invalid, "%s: %w", r.Action, actuators.ErrNoPreview)
	}
	if err != nil {
		return actuators.Result{}, toError(ctx, r.String(), false, err)
	}
	return toResult(out.GetResult()), nil
}

// check refuses, before anything is sent, what cannot travel.
func check(r actuators.Request, m gproto.Message) error {
	if n := gproto.Size(m); n > MaxMessage {
		return actuators.Errorf(actuators.Invalid, "%s: a request of %d bytes: no more than %d go to a plugin", r.Action, n, MaxMessage)
	}
	words := []string{r.Actuator, r.Verb, r.Target, r.Key}
	for k, v := range r.Args {
		words = append(words, k, v)
	}
	for _, w := range words {
		if !utf8.ValidString(w) {
			return actuators.Errorf(actuators.Invalid, "%q: %q is not UTF-8", r.Action, w)
		}
	}
	return nil
}

// call is a unary call by hand: unlike the generated code it can tell whether
// the request was handed to the transport (sent) before the call failed.
func (c *Client) call(ctx context.Context, method string, in, out gproto.Message) (sent bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.conn.NewStream(ctx, &grpc.StreamDesc{}, method,
		grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage))
	if err != nil {
		return false, err
	}
	if err := s.SendMsg(in); err != nil {
		return true, err
	}
	return true, s.RecvMsg(out)
}
