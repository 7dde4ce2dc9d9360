package journal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// line is one entry of the journal, reduced to what is needed.
type line struct {
	Unit       string `json:"UNIT"`
	MessageID  string `json:"MESSAGE_ID"`
	JobType    string `json:"JOB_TYPE"`
	Job        string `json:"JOB_ID"`
	Invocation string `json:"INVOCATION_ID"`
	Up         string `json:"__MONOTONIC_TIMESTAMP"` // in microseconds
}

// bounds of what is read from a child, in bytes.
const (
	maxOutput = 16 << 20
	maxLine   = 64 << 10
	maxTalk   = 4 << 10
)

// read runs journalctl for what PID 1 said of units in this boot, newest first.
// Only PID 1's own word counts: a service can log anything under any field but
// those that begin with an underscore.
func (j *Journal) read(ctx context.Context, units, messages []string, limit int) ([]line, error) {
	args := []string{
		"--quiet", "--no-pager", "--reverse", "--output=json", "--lines=" + strconv.Itoa(limit),
		"--output-fields=UNIT,MESSAGE_ID,JOB_TYPE,JOB_ID,INVOCATION_ID",
		"_BOOT_ID=" + j.boot, "_PID=1",
	}
	for _, id := range messages {
		args = append(args, "MESSAGE_ID="+id)
	}
	for _, u := range units {
		args = append(args, "UNIT="+u)
	}
	ctx, cancel := context.WithTimeout(ctx, j.opt.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, j.opt.Path, args...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.WaitDelay = time.Second
	var talk bytes.Buffer
	cmd.Stderr = &limited{w: &talk, left: maxTalk}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines, readErr := parse(out)
	if readErr != nil {
		cancel() // whatever it still has to say is not wanted
	}
	err = cmd.Wait()
	switch {
	case readErr != nil && ctx.Err() == nil, readErr != nil && errors.Is(readErr, ErrOutput):
		return nil, readErr
	case ctx.Err() != nil:
		return nil, fmt.Errorf("run journalctl: %w", ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("run journalctl: %w: %s", err, strings.TrimSpace(talk.String()))
	}
	return lines, nil
}

// parse reads journalctl's JSON, an object a line. A field that is no string
// (journalctl writes bytes as numbers, and repeated fields as lists) is not one
// that PID 1 wrote, and its line does not count.
func parse(r io.Reader) ([]line, error) {
	lim := &io.LimitedReader{R: r, N: maxOutput}
	sc := bufio.NewScanner(lim)
	sc.Buffer(make([]byte, 0, 4096), maxLine)
	var lines []line
	for sc.Scan() {
		var l line
		err := json.Unmarshal(sc.Bytes(), &l)
		var other *json.UnmarshalTypeError
		switch {
		case errors.As(err, &other):
			continue
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrOutput, err)
		}
		lines = append(lines, l)
	}
	if lim.N <= 0 {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrOutput, maxOutput)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return lines, nil
}

// limited keeps the beginning of what is written and swallows the rest.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if _, err := l.w.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}
