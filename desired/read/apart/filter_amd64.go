package apart

import "golang.org/x/sys/unix"

// machine is the kernel's name for this kind of processor; callsHere are those
// that only it has.
const machine = unix.AUDIT_ARCH_X86_64

var callsHere = []uint32{unix.SYS_NEWFSTATAT, unix.SYS_EPOLL_WAIT, unix.SYS_POLL, unix.SYS_TIME, unix.SYS_ARCH_PRCTL}
