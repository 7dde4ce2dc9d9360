package rehearse

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// enterJob is what the process that enters a host is told.
type enterJob struct {
	PID     int      // the host's systemd
	Cgroups []string // cgroup.procs files to join first
	Argv    []string
}

// Exit codes of a command that could not be run, as a shell has them.
const (
	exitTrouble  = 125
	exitNotFound = 127
)

// enter joins a host and runs a command there as its child, with the same
// standard streams, signals passed on and the same exit code. It stays as the
// child's parent because only a child is born into the host's pid namespace.
func enter(args []string) int {
	runtime.LockOSThread() // namespaces are a thread's; the child is started from this one
	var job enterJob
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &job) != nil || len(job.Argv) == 0 {
		fmt.Fprintln(os.Stderr, "enter a host: no job was given")
		return exitTrouble
	}
	dir, err := os.Getwd()
	if err == nil {
		err = join(job)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "enter the host:", err)
		return exitTrouble
	}
	if os.Chdir(dir) != nil {
		dir = "/"
	}
	return run(job.Argv, dir)
}

// sigAbandon asks the entering process to kill its child. The kernel's own way
// (Pdeathsig) is closed: Go checks for a lost parent by getppid, which is always
// 0 for a parent in another pid namespace.
const sigAbandon = syscall.Signal(34 + 6)

func join(job enterJob) error {
	pidfd, err := unix.PidfdOpen(job.PID, 0)
	if err != nil {
		return fmt.Errorf("it has ended: %w", err)
	}
	defer unix.Close(pidfd)
	root, err := unix.Open(fmt.Sprintf("/proc/%d/root", job.PID), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("it has ended: %w", err)
	}
	defer unix.Close(root)
	if err := joinCgroups(job.Cgroups); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // a shared root cannot change its mount namespace
		return err
	}
	if err := unix.Setns(pidfd, namespaceSet|unix.CLONE_NEWCGROUP); err != nil {
		return err
	}
	// The namespace's root is not the host's where its owner ran in a chroot.
	if err := unix.Fchdir(root); err != nil {
		return err
	}
	return unix.Chroot(".")
}

func run(argv []string, dir string) int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, sigAbandon, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// A process group does not end at the border of a pid namespace: a "kill 0"
	// inside would reach the caller's whole job. At a terminal the command stays
	// in that group all the same, or it could not read.
	_, err := unix.IoctlGetTermios(unix.Stdin, unix.TCGETS)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: err != nil}
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "run %s in the host: %v\n", argv[0], err)
		return exitNotFound
	}
	go func() { // ends with the process
		for s := range signals {
			if s == sigAbandon {
				s = os.Kill
			}
			_ = cmd.Process.Signal(s)
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
			return 128 + int(w.Signal())
		}
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "wait for the command:", err)
	return exitTrouble
}
