package apart

import "golang.org/x/sys/unix"

// machine is the kernel's name for this kind of processor; callsHere are those
// that only it has.
const machine = unix.AUDIT_ARCH_AARCH64

var callsHere = []uint32{unix.SYS_FSTATAT}
