package changes

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Bounds of one run of journalctl.
const (
	journalTime  = 20 * time.Second
	journalLines = 20000
	maxOutput    = 64 << 20 // bytes
)

// entry is a line of the journal. Fields that begin with an underscore are
// journald's own word; anybody can write the others.
type entry struct {
	Realtime string `json:"__REALTIME_TIMESTAMP"` // microseconds
	Boot     text   `json:"_BOOT_ID"`
	Exe      text   `json:"_EXE"`
	Comm     text   `json:"_COMM"`
	UID      text   `json:"_UID"`
	PID      text   `json:"_PID"`

	MessageID text `json:"MESSAGE_ID"`
	Message   text `json:"MESSAGE"`
	Unit      text `json:"UNIT"`
	JobType   text `json:"JOB_TYPE"`
	JobResult text `json:"JOB_RESULT"`
	User      text `json:"USER_ID"`
}

const entryFields = "_BOOT_ID,_EXE,_COMM,_UID,_PID,MESSAGE_ID,MESSAGE,UNIT,JOB_TYPE,JOB_RESULT,USER_ID"

func (e entry) time() time.Time {
	us, _ := strconv.ParseInt(e.Realtime, 10, 64)
	return time.UnixMicro(us)
}

// text is a field of the journal. journalctl writes one that is no clean UTF-8
// as numbers, and one that occurs twice as a list: the latter counts as empty.
type text string

// UnmarshalJSON reads a string, or an array of the numbers of bytes.
func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
		return nil
	}
	var numbers []byte
	var wide []int
	if json.Unmarshal(b, &wide) != nil {
		return nil
	}
	for _, n := range wide {
		numbers = append(numbers, byte(n))
	}
	*t = text(numbers)
	return nil
}

// journal reads the newest entries within the window that match, oldest first.
func journal(ctx context.Context, w Window, matches ...string) ([]entry, error) {
	args := append([]string{
		"--quiet", "--no-pager", "--reverse", "--output=json", "--output-fields=" + entryFields,
		"--lines=" + strconv.Itoa(journalLines), "--since=@" + strconv.FormatInt(max(0, w.Since.Unix()), 10),
	}, matches...)
	out, err := journalctl(ctx, args...)
	if err != nil {
		return nil, err
	}
	var all []entry
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("read what journalctl says: %w", err)
		}
		if w.has(e.time()) {
			all = append(all, e)
		}
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all, lines.Err()
}

// journalctl runs it, and returns what it prints. A host without it has no
// journal to ask: that is said, because most of the time line is missing then.
func journalctl(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, journalTime)
	defer cancel()
	out, err := output(exec.CommandContext(ctx, "journalctl", args...))
	if err != nil {
		return "", fmt.Errorf("run journalctl: %w", err)
	}
	return out, nil
}

// output runs a program in the C locale, and bounds what it may print.
func output(cmd *exec.Cmd) (string, error) {
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.WaitDelay = time.Second
	var out, talk bounded
	out.left, talk.left = maxOutput, 4<<10
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		if why := strings.TrimSpace(talk.String()); why != "" {
			err = fmt.Errorf("%w: %s", err, why)
		}
		return "", err
	}
	if out.over {
		return "", fmt.Errorf("it prints more than %d bytes; ask for less with --since", maxOutput)
	}
	return out.String(), nil
}

// bounded keeps the beginning of what is written.
type bounded struct {
	bytes.Buffer
	left int
	over bool
}

// Write takes what fits, and swallows the rest.
func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	b.over = b.over || n < len(p)
	b.Buffer.Write(p[:n])
	return len(p), nil
}

var _ io.Writer = (*bounded)(nil)
