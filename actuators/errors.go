package actuators

import (
	"context"
	"errors"
	"fmt"
)

// Kind classifies an error by what the caller should do about it. The numbers
// travel over the wire and lie in the store: never reorder, only append.
type Kind int

const (
	// Internal is a defect or an error of unknown nature.
	Internal Kind = iota
	// Invalid is a request that can never work: unknown verb, bad argument.
	Invalid
	// NotFound says that the target does not exist.
	NotFound
	// Refused says that a rule forbids the action: policy, the protected set, a mask.
	Refused
	// Conflict says that the world is not as the action assumes, or that
	// somebody else is acting on the target (a queued job, a newer file).
	Conflict
	// Timeout says that the deadline passed; whether the effect happened is unknown.
	Timeout
	// Unavailable says that the way to the target is lost (bus gone, plugin
	// died) before the action was sent: nothing happened.
	Unavailable
	// Unknown says that the way was lost after the action was sent: whether
	// the effect happened is unknown until somebody looks.
	Unknown
	// Failed says that the action was carried out and did not work: a start
	// job that failed, a disk that is full.
	Failed
)

var kindNames = [...]string{"internal", "invalid", "not-found", "refused", "conflict", "timeout", "unavailable", "unknown", "failed"}

// String is the word that history and logs print.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return kindNames[k]
}

// Error is the error of an actuator.
type Error struct {
	Kind Kind
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrNoPreview is in the chain of what Preview returns when the actuator behind
// a wire is no Previewer. Its Kind is Invalid.
var ErrNoPreview = errors.New("this actuator cannot preview")

// ErrCanceled is in the chain of an error where somebody else called off what the
// actuator had begun: he wants it not to be done. Its Kind is Conflict.
var ErrCanceled = errors.New("somebody canceled the job")

// Errorf makes an *Error of a kind; %w works as in fmt.Errorf.
func Errorf(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Err: fmt.Errorf(format, args...)}
}

// KindOf finds the Kind of an error: that of the outermost *Error in its chain,
// Timeout for a context that ended, Internal otherwise.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Timeout
	}
	return Internal
}
