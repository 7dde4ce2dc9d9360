package files

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"sync"
)

// owners knows the names of users and groups. It reads the files itself, once
// a change: os/user would read them again for every look.
type owners struct {
	users, groups *names
}

func newOwners(passwd, group string) *owners {
	return &owners{users: &names{path: passwd}, groups: &names{path: group}}
}

func (o *owners) refresh() {
	o.users.refresh()
	o.groups.refresh()
}

func (o *owners) user(id uint32) string  { return o.users.of(id) }
func (o *owners) group(id uint32) string { return o.groups.of(id) }

// names is one file of names and numbers.
type names struct {
	path string

	mu    sync.Mutex // guards what follows
	stamp stamp
	byID  map[uint32]string
}

// refresh reads the file again if it has changed. A file that cannot be read
// leaves no names: then the numbers stand.
func (n *names) refresh() {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, err := stat(n.path)
	if err != nil {
		n.stamp, n.byID = stamp{}, nil
		return
	}
	if s == n.stamp && n.byID != nil {
		return
	}
	n.stamp, n.byID = s, readNames(n.path)
}

// of is the name of a number, or the number itself where there is none.
func (n *names) of(id uint32) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if name, ok := n.byID[id]; ok {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}

// readNames reads name:x:number lines. Of two names with one number the first
// stands, as in getpwuid(3).
func readNames(path string) map[uint32]string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	byID := make(map[uint32]string)
	for sc := bufio.NewScanner(f); sc.Scan(); {
		part := strings.SplitN(sc.Text(), ":", 4)
		if len(part) < 3 || part[0] == "" || part[0][0] == '#' || part[0][0] == '+' || part[0][0] == '-' {
			continue
		}
		id, err := strconv.ParseUint(part[2], 10, 32)
		if err != nil {
			continue
		}
		if _, ok := byID[uint32(id)]; !ok {
			byID[uint32(id)] = part[0]
		}
	}
	return byID
}
