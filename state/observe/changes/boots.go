package changes

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"
)

// journalStopped is the last thing that journald says in a boot that ends in
// order.
const journalStopped = "d93fb3c9c24d451a97cea615ce59c00b"

// Boots knows when the host came up, and whether it had gone down in order
// before.
func Boots() Source {
	return Source{"boot", func(ctx context.Context, w Window) ([]Change, error) {
		out, err := journalctl(ctx, "--quiet", "--no-pager", "--utc", "--list-boots")
		if err != nil {
			return nil, err
		}
		ends, err := journal(ctx, Window{}, "MESSAGE_ID="+journalStopped, "_COMM=systemd-journal")
		return boots(out, ends), err
	}}
}

// bootLine is a line of journalctl --list-boots. How the columns are parted
// depends on the version of systemd; the ID and the first time do not.
var bootLine = lazily(`([0-9a-f]{32})\s+\S+ (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC\S*\s*\S* (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC`)

// boots makes a row of each boot that the journal knows. Of the first it cannot
// tell how the one before ended.
func boots(list string, stops []entry) []Change {
	inOrder := map[string]bool{}
	for _, e := range stops {
		inOrder[string(e.Boot)] = true
	}
	var rows []Change
	before, ended := "", ""
	for line := range strings.Lines(list) {
		m := bootLine().FindStringSubmatch(line)
		if m == nil {
			continue
		}
		t, err := time.Parse(time.DateTime, m[2])
		if err != nil {
			continue
		}
		what := "booted"
		if before != "" && !inOrder[before] {
			what = "booted; before, it went down without a shutdown after " + strings.Replace(ended, " ", "T", 1) + "Z"
		}
		rows = append(rows, Change{Time: t, Object: "host", What: what})
		before, ended = m[1], m[3]
	}
	return rows
}

// lazily is a pattern that is compiled when it is first needed: most starts of the
// program need none.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
