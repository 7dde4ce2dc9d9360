package collect

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// strange are kinds of file systems of which nothing is told. The first ones hold
// no files of anybody's, as node_exporter has it; the others lie elsewhere, and a
// question about them may never be answered.
var strange = []string{
	"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fusectl", "hugetlbfs", "iso9660", "mqueue", "nsfs",
	"proc", "procfs", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs", "tracefs",
	"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gfs2", "ocfs2", "beegfs", "virtiofs", "fuse", "fuseblk",
}

// hidden are folders below which mounts are of no interest.
var hidden = []string{"/dev", "/proc", "/sys", "/run/credentials", "/var/lib/docker", "/var/lib/containers/storage"}

// maxMounts bounds the file systems that are told of.
const maxMounts = 200

// mount is one line of /proc/self/mounts.
type mount struct {
	device, point, kind string
	readonly            bool
}

func readMounts(text string, p *page) error {
	told := 0
	for _, m := range mounts(text) {
		if !m.ordinary() {
			continue
		}
		if told++; told > maxMounts {
			break
		}
		var st unix.Statfs_t
		if unix.Statfs(m.point, &st) != nil { // it may be gone by now, or not for us to see
			continue
		}
		labels := []string{m.device, m.kind, m.point}
		size := float64(st.Bsize)
		p.add(nodeSize, float64(st.Blocks)*size, labels...)
		p.add(nodeFree, float64(st.Bfree)*size, labels...)
		p.add(nodeAvail, float64(st.Bavail)*size, labels...)
		p.add(nodeFiles, float64(st.Files), labels...)
		p.add(nodeFilesFree, float64(st.Ffree), labels...)
		p.add(nodeReadonly, truth(m.readonly), labels...)
	}
	return nil
}

// mounts reads the lines; of those on the same folder the last one is on top.
func mounts(text string) []mount {
	var all []mount
	at := map[string]int{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		m := mount{unescape(f[0]), unescape(f[1]), f[2], slices.Contains(strings.Split(f[3], ","), "ro")}
		if i, ok := at[m.point]; ok {
			all[i] = m
			continue
		}
		at[m.point] = len(all)
		all = append(all, m)
	}
	return all
}

// ordinary tells a file system that people keep files on. An overlay is one where
// it is the root alone: elsewhere it is a container's.
func (m mount) ordinary() bool {
	switch {
	case slices.Contains(strange, m.kind), strings.HasPrefix(m.kind, "fuse."), m.kind == "overlay" && m.point != "/":
		return false
	case !strings.HasPrefix(m.point, "/"):
		return false
	}
	return !slices.ContainsFunc(hidden, func(h string) bool { return m.point == h || strings.HasPrefix(m.point, h+"/") })
}

// unescape reads \040 for a space, as the kernel writes it.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
