//go:build failpoints

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	name, times = parse(os.Getenv("EVENKEEL_FAILPOINT"))
	hits        atomic.Int64
)

func parse(s string) (string, int64) {
	name, n, found := strings.Cut(s, "@")
	if !found {
		return name, 1
	}
	i, _ := strconv.ParseInt(n, 10, 64)
	return name, max(1, i)
}

// Hit says that the process has come to a named moment, and ends it there if
// that is what was asked for.
func Hit(at string) {
	if at == name && hits.Add(1) == times {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
