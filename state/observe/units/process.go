package units

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/pakashop/evenkeel/state"
)

// invocationLink reads the invocation ID of a unit from the link that systemd
// keeps while the unit has one; "" where there is none.
func (o *Observer) invocationLink(id string) string {
	target, err := os.Readlink(filepath.Join(o.opts.Root, "run/systemd/units", "invocation:"+id))
	if err != nil || !isInvocation(target) {
		return ""
	}
	return target
}

func isInvocation(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16
}

// invocationID writes the sixteen bytes of the property as the link has them.
func invocationID(v any) string {
	b, _ := v.([]byte)
	for _, c := range b {
		if c != 0 {
			return hex.EncodeToString(b)
		}
	}
	return ""
}

// process fills in what the main process executes. A process that is gone
// before it is looked at leaves both fields empty: the signal of its end is on
// its way.
//
// The kernel follows a file that is renamed and says so of one that is replaced
// or removed. The path itself is not looked up: it is one of the process's own
// mounts and may be another file in ours.
func (o *Observer) process(u *state.Unit) {
	if u.MainPID == 0 {
		return
	}
	exe := filepath.Join(o.opts.Root, "proc", strconv.FormatUint(uint64(u.MainPID), 10), "exe")
	running, ok := identify(exe)
	if !ok {
		return
	}
	target, err := os.Readlink(exe)
	if err != nil {
		return
	}
	u.Exe = running.String()
	u.ExeStale = strings.HasSuffix(target, " (deleted)")
}

// identity tells one file from all others, and from itself after a change.
type identity struct {
	dev, ino uint64
	ctime    syscall.Timespec
}

func identify(path string) (identity, bool) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return identity{}, false
	}
	return identity{dev: st.Dev, ino: st.Ino, ctime: st.Ctim}, true
}

func (i identity) String() string {
	return fmt.Sprintf("%d:%d:%d", i.dev, i.ino, i.ctime.Nano())
}
