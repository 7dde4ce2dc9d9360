package wire

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/wire/proto"
)

// maxText bounds a message of an error and a detail of a result, in bytes.
const maxText = 8 << 10

// codeOf gives each Kind a gRPC code of its own, so that a plugin in another
// language needs nothing but the code, and tools that know gRPC show the right
// word.
var codeOf = map[actuators.Kind]codes.Code{
	actuators.Internal:    codes.Internal,
	actuators.Invalid:     codes.InvalidArgument,
	actuators.NotFound:    codes.NotFound,
	actuators.Refused:     codes.PermissionDenied,
	actuators.Conflict:    codes.FailedPrecondition,
	actuators.Timeout:     codes.DeadlineExceeded,
	actuators.Unavailable: codes.Unavailable,
	actuators.Unknown:     codes.Unknown,
	actuators.Failed:      codes.Aborted,
}

// plain are the codes that only a plugin sends, never a transport: without a
// Fault they mean what the table says.
var plain = map[codes.Code]actuators.Kind{
	codes.InvalidArgument:    actuators.Invalid,
	codes.OutOfRange:         actuators.Invalid,
	codes.NotFound:           actuators.NotFound,
	codes.PermissionDenied:   actuators.Refused,
	codes.FailedPrecondition: actuators.Conflict,
	codes.AlreadyExists:      actuators.Conflict,
	codes.Aborted:            actuators.Failed,
	codes.Unimplemented:      actuators.Invalid,
}

// toStatus packs what an actuator returned: the Kind twice, as a code and as a
// Fault, and the text.
func toStatus(err error) error {
	k := actuators.KindOf(err)
	code, ok := codeOf[k]
	if !ok {
		code = codes.Internal
	}
	msg := clip(err.Error())
	st, derr := status.New(code, msg).WithDetails(&proto.Fault{Kind: int32(k), Message: msg})
	if derr != nil {
		return status.Error(code, msg)
	}
	return st.Err()
}

// toError unpacks it. What says the action, sent whether the request had left
// and may have had an effect.
func toError(ctx context.Context, what string, sent bool, err error) error {
	st := status.Convert(err)
	for _, d := range st.Details() {
		if f, ok := d.(*proto.Fault); ok {
			return &actuators.Error{Kind: known(f.GetKind()), Err: errors.New(clip(f.GetMessage()))}
		}
	}
	if cerr := ended(ctx, st.Code(), err); cerr != nil {
		return actuators.Errorf(actuators.Timeout, "%s: %w", what, cerr)
	}
	if k, ok := plain[st.Code()]; ok {
		return actuators.Errorf(k, "%s: %s", what, clip(st.Message()))
	}
	if sent {
		return actuators.Errorf(actuators.Unknown, "%s: the plugin was lost before it answered: %s", what, clip(st.Message()))
	}
	return actuators.Errorf(actuators.Unavailable, "%s: the plugin cannot be reached: %s", what, clip(st.Message()))
}

// ended finds the end of the caller's patience behind a failed call, or nil.
// gRPC's timer may fire a moment before the context's own.
func ended(ctx context.Context, code codes.Code, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case code == codes.DeadlineExceeded, errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	}
	return nil
}

// known keeps a number that a newer or a wrong plugin invented out of the store.
func known(n int32) actuators.Kind {
	if k := actuators.Kind(n); codeOf[k] != codes.OK {
		return k
	}
	return actuators.Internal
}

func unimplemented(err error) bool { return err != nil && status.Code(err) == codes.Unimplemented }

// clip makes a text fit to travel: UTF-8, and not too long.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return valid(s)
}

// valid replaces what is not UTF-8, which protobuf refuses to carry.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
