package rehearse

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	roleInit  = "evenkeel-rehearse-init"
	roleEnter = "evenkeel-rehearse-enter"

	fdGo   = 3 // the job comes here once all is ready outside
	fdSays = 4 // why it did not work goes here; systemd's exec closes it
)

// Init takes over the process if it was started in one of this package's roles,
// and says so: then main has nothing more to do. It is called first thing in
// main and in TestMain of whatever boots hosts.
func Init() bool {
	if len(os.Args) < 2 {
		return false
	}
	switch os.Args[1] {
	case roleInit:
		runtime.LockOSThread() // the cgroup namespace belongs to the thread that execs
		says := os.NewFile(fdSays, "says")
		unix.CloseOnExec(fdSays)
		err := becomeSystemd()
		fmt.Fprint(says, err)
		os.Exit(1)
	case roleEnter:
		syscall.Exit(enter(os.Args[2:])) // not os.Exit: a coverage binary would talk into the command's output
	}
	return false
}

// initJob is what the first process of a host is told.
type initJob struct {
	Name    string
	Root    string // an empty folder, the mount point of the host's root
	Layers  []string
	Disk    int64
	Share   string
	Binds   []Bind
	Mask    []string
	Cgroups []string // cgroup.procs of version 1 hierarchies to join
	Address string
	ID      string // machine-id
}

func (h *Host) initJob(o Options) initJob {
	job := initJob{
		Name: o.Name, Root: filepath.Join(h.dir, "root"), Layers: o.Layers, Disk: o.Disk,
		Share: h.share, Binds: o.Binds, Mask: maskedUnits(o.Unmask), Address: o.Address, ID: randomHex(16),
	}
	for _, dir := range h.res.Cgroups[1:] {
		job.Cgroups = append(job.Cgroups, filepath.Join(dir, "cgroup.procs"))
	}
	return job
}

// becomeSystemd makes the host's world out of the namespaces that the process
// was born in and turns into its systemd. It returns only if that failed.
func becomeSystemd() error {
	var job initJob
	ready := os.NewFile(fdGo, "go")
	if err := json.NewDecoder(ready).Decode(&job); err != nil {
		return fmt.Errorf("its owner ended before it began: %w", err)
	}
	ready.Close()
	if err := joinCgroups(job.Cgroups); err != nil {
		return err
	}
	steps := []struct {
		what string
		do   func(initJob) error
	}{
		{"take a cgroup namespace", func(initJob) error { return unix.Unshare(unix.CLONE_NEWCGROUP) }},
		{"make its mounts private", func(initJob) error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
		{"lay the overlay", mountRoot},
		{"mount what a kernel shows", mountKernel},
		{"make its devices", mountDevices},
		{"bind folders", mountBinds},
		{"make it bare", makeBare},
		{"name it", func(j initJob) error { return unix.Sethostname([]byte(j.Name)) }},
		{"bring its network up", func(j initJob) error { return networkUp(j.Address) }},
		{"move into it", moveIn},
	}
	for _, s := range steps {
		if err := s.do(job); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	env := []string{"container=evenkeel-rehearse", insidePath}
	argv := []string{systemd, "--system", "--log-target=journal", "--show-status=0", "--unit=multi-user.target"}
	return fmt.Errorf("start %s: %w", systemd, unix.Exec(systemd, argv, env))
}

// joinCgroups moves the calling process; "0" is the writer itself, in whatever
// pid namespace it is.
func joinCgroups(files []string) error {
	for _, f := range files {
		if err := os.WriteFile(f, []byte("0"), 0o644); err != nil {
			return fmt.Errorf("join cgroup %s: %w", strings.TrimSuffix(f, "/cgroup.procs"), err)
		}
	}
	return nil
}

// moveIn makes the overlay the root and lets go of the machine's.
func moveIn(job initJob) error {
	if err := os.Chdir(job.Root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil { // the old root is now stacked on the new one
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return os.Chdir("/")
}
