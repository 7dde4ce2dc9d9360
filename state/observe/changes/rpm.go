package changes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// rpmFolders are where rpm keeps its database.
var rpmFolders = []string{"/usr/lib/sysimage/rpm", "/var/lib/rpm"}

// rpmTime bounds how long rpm may take for its list.
const rpmTime = 20 * time.Second

// Rpm knows the packages that rpm has, by when each was installed or upgraded.
// It does not know those that were removed.
func Rpm() Source {
	return Source{"package", func(ctx context.Context, _ Window) ([]Change, error) {
		if !hasRpm() {
			return nil, nil
		}
		ctx, cancel := context.WithTimeout(ctx, rpmTime)
		defer cancel()
		out, err := output(exec.CommandContext(ctx, "rpm", "-qa", "--queryformat", rpmFormat))
		if err != nil {
			return nil, fmt.Errorf("run rpm: %w", err)
		}
		return rpmRows(out), nil
	}}
}

// rpmFormat is what `rpm -qa --last` says, with the time as a number.
const rpmFormat = `%{INSTALLTIME} %{NAME} %{EVR}\n`

// hasRpm tells whether this is a host of rpm: on others, the program may be
// there with an empty database.
func hasRpm() bool {
	if _, err := exec.LookPath("rpm"); err != nil {
		return false
	}
	for _, dir := range rpmFolders {
		if in, err := os.ReadDir(dir); err == nil && len(in) > 0 {
			return true
		}
	}
	return false
}

func rpmRows(out string) []Change {
	var rows []Change
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		sec, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			continue
		}
		rows = append(rows, Change{Time: time.Unix(sec, 0), Object: f[1], What: "installed " + f[2]})
	}
	return rows
}
