package exec

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// command is a request that makes sense.
type command struct {
	action  actuators.Action
	program string
	args    []string
	user    string
	timeout time.Duration
}

const (
	longest  = time.Hour // that a program may run
	maxArgs  = 256
	maxBytes = 64 << 10 // of all arguments
)

var userName = regexp.MustCompile(`^[a-z_][-a-z0-9_]{0,31}\$?$`)

// parse checks a request.
func (a *Actuator) parse(ctx context.Context, r actuators.Request) (command, error) {
	if err := a.info.Check(r); err != nil {
		return command{}, err
	}
	if err := ctx.Err(); err != nil {
		return command{}, actuators.Errorf(actuators.Timeout, "%s: nothing was done: %w", r.Action, err)
	}
	c := command{action: r.Action, program: r.Target, timeout: 30 * time.Second}
	invalid := func(format string, args ...any) (command, error) {
		return command{}, actuators.Errorf(actuators.Invalid, "%s: "+format, append([]any{r.Action}, args...)...)
	}
	var who struct {
		User string `json:"user"`
	}
	d := json.NewDecoder(bytes.NewReader(r.Content))
	d.DisallowUnknownFields()
	if err := d.Decode(&who); err != nil || !userName.MatchString(who.User) {
		return invalid("its content names no user")
	}
	c.user = who.User
	if !path.IsAbs(c.program) || path.Clean(c.program) != c.program || c.program == "/" {
		return invalid("the program must be an absolute and plain path")
	}
	if text, ok := r.Args["argv"]; ok {
		if err := json.Unmarshal([]byte(text), &c.args); err != nil {
			return invalid("argv: want a JSON list of texts")
		}
	}
	size := 0
	for _, arg := range c.args {
		size += len(arg)
		if strings.ContainsRune(arg, 0) {
			return invalid("argv: an argument cannot hold a zero byte")
		}
	}
	if len(c.args) > maxArgs || size > maxBytes {
		return invalid("argv: at most %d arguments of %d bytes together", maxArgs, maxBytes)
	}
	if text, ok := r.Args["timeout"]; ok {
		var err error
		if c.timeout, err = time.ParseDuration(text); err != nil || c.timeout < time.Millisecond || c.timeout > longest {
			return invalid("timeout %q: want a duration like 30s, at most %v", text, longest)
		}
	}
	return c, nil
}
