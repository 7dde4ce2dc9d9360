package journal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Bounds of what Entries reads: so much goes to a plugin in one message.
const (
	maxEntries      = 20_000
	maxEntriesBytes = 3 << 20
	maxEntry        = 256 << 10 // one of them
	maxSaid         = 64 << 20  // by journalctl, what is left out counted
)

// entryFields are those that Entries returns.
const entryFields = "MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT,_PID"

// Entries returns what units said since a moment (no units: everybody), as the lines of
// journalctl's JSON, the newest first, and no more than 20,000 of them and 3 MiB. It
// does not look at them: whatever a service may have written is for somebody without
// rights to parse. One that is longer than 256 KiB would leave no room for others: in
// its place is one whose MESSAGE is null, as journalctl itself writes it.
func Entries(ctx context.Context, units []string, since time.Time) ([]byte, error) {
	args := []string{
		"--quiet", "--no-pager", "--reverse", "--output=json", "--all", "--output-fields=" + entryFields,
		"--lines=" + strconv.Itoa(maxEntries), "--since=@" + strconv.FormatInt(max(0, since.Unix()), 10),
	}
	for _, u := range units {
		args = append(args, "--unit="+u)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "journalctl", args...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.WaitDelay = time.Second
	var talk bytes.Buffer
	cmd.Stderr = &limited{w: &talk, left: maxTalk}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("run journalctl: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run journalctl: %w", err)
	}
	b, enough, err := take(out)
	if enough || err != nil {
		cancel() // whatever it still has to say is not wanted
	}
	ended := cmd.Wait()
	switch {
	case enough:
		return b, nil
	case err != nil:
		return nil, fmt.Errorf("read what journalctl says: %w", err)
	case ended != nil:
		return nil, fmt.Errorf("run journalctl: %w: %s", ended, strings.TrimSpace(talk.String()))
	}
	return b, nil
}

// left stands for an entry that is too long.
const left = `{"MESSAGE":null}` + "\n"

// take reads whole lines, as many as there may be; enough: there are more.
func take(from io.Reader) (b []byte, enough bool, err error) {
	in := bufio.NewReaderSize(from, maxEntry)
	for said := 0; ; {
		line, err := in.ReadSlice('\n')
		said += len(line)
		if errors.Is(err, bufio.ErrBufferFull) {
			line = []byte(left)
			for errors.Is(err, bufio.ErrBufferFull) && said < maxSaid {
				var more []byte
				more, err = in.ReadSlice('\n')
				said += len(more)
			}
		}
		switch {
		case said > maxSaid || len(b)+len(line) > maxEntriesBytes:
			return b, true, nil
		case errors.Is(err, io.EOF):
			return b, false, nil // of what is no line nothing is known
		case err != nil:
			return b, false, err
		}
		b = append(b, line...)
	}
}
