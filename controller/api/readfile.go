package api

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/controller/report"
)

// readFile reads a regular file for a diff: no links, no devices, no pipes that
// would block, and no more than a diff shows.
func readFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if i, err := f.Stat(); err != nil || !i.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return io.ReadAll(io.LimitReader(f, report.MaxContent+1))
}
