package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// The parts of the command line's JSON that are looked at here.
type (
	planJSON struct {
		InSync bool `json:"inSync"`
		Steps  []struct {
			ID, Object, Actuator, Verb, Reason string
		} `json:"steps"`
		Held []heldJSON `json:"held"`
	}
	heldJSON   struct{ Object, Reason, Detail string }
	statusJSON struct {
		Healthy  bool          `json:"healthy"`
		Services []serviceJSON `json:"services"`
	}
	serviceJSON struct{ Name, Unit, State, Active, Reason string }
	stepJSON    struct {
		Time                                                time.Time
		ID, Object, Actuator, Verb, Reason, Outcome, Detail string
		MS                                                  int64
	}
)

// evenkeel runs the command line on the host. Exit codes 0, 1 and 3 are answers;
// others are trouble.
func (s *show) evenkeel(ctx context.Context, args ...string) (out []byte, code int, err error) {
	cmd := s.host.Command(ctx, append([]string{binary}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err = cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, 0, err
	}
	code = cmd.ProcessState.ExitCode()
	if code != 0 && code != 1 && code != 3 {
		return nil, code, fmt.Errorf("evenkeel %s: exit %d: %s", strings.Join(args, " "), code, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, code, nil
}

func (s *show) diff(ctx context.Context, flags ...string) (p planJSON, code int, err error) {
	out, code, err := s.evenkeel(ctx, append([]string{"diff", "-f", desired, "-o", "json"}, flags...)...)
	if err == nil {
		err = json.Unmarshal(out, &p)
	}
	return p, code, err
}

func (s *show) status(ctx context.Context) (st statusJSON, err error) {
	out, _, err := s.evenkeel(ctx, "status", "-o", "json")
	if err == nil {
		err = json.Unmarshal(out, &st)
	}
	return st, err
}

// history is what was done on one object since a time.
func (s *show) history(ctx context.Context, object string, since time.Time) (steps []stepJSON, err error) {
	out, _, err := s.evenkeel(ctx, "history", object, "-o", "json")
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one stepJSON
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("read the history: %w: %s", err, lines.Text())
		}
		if !one.Time.Before(since) {
			steps = append(steps, one)
		}
	}
	return steps, lines.Err()
}

// until asks again and again until the answer is yes; at the end of patience it
// says what was still wrong.
func (s *show) until(ctx context.Context, what string, yes func(context.Context) (wrong string, err error)) (time.Duration, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	last := "nothing was heard"
	for {
		wrong, err := yes(ctx)
		switch {
		case ctx.Err() != nil: // the answer was cut short and says nothing
		case err == nil && wrong == "":
			return time.Since(began), nil
		case err != nil:
			last = err.Error()
		default:
			last = wrong
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("%s within %s: %s: %w", what, s.Patience, last, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
