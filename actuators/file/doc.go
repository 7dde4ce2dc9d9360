// Package file is the actuator that writes and removes files: whole, durable,
// and only where it was told what lies there.
//
// A write is all or nothing: a temporary file in the same folder, its owner and
// mode, fsync, rename, fsync of the folder. What is replaced is swapped out in
// one step and looked at once more before it is let go, so that a change made
// in the very last moment is put back and not lost. Links are never followed,
// neither at the target (a mask is one) nor on the way to it; only regular files
// are replaced.
//
// A link is written only where the request says that it is one, as for the
// release that is current, and replaced only by such a write, with where it led
// named: in one step, too, so that at no moment nothing lies there.
//
// It copies nothing but content, owner and mode: extended attributes, ACLs and
// SELinux labels are what the folder gives a new file.
//
// Whether a path may be written is not judged here but by whoever calls. It
// imports the contract (actuators), its own store of displaced copies, and x/sys
// for the system calls that the os package does not have.
package file
