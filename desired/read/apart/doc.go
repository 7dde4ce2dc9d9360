// Package apart reads desired state that a stranger wrote, apart from whoever
// needs it.
//
// What comes from a git server is a stranger's input, and evenkeel is root. So
// the YAML of a followed branch is parsed in a child: this same program in
// another role, which has given up all rights before it sees the first byte, and
// which is killed when it takes too long. What it made of the files comes back
// over a pipe, whole: the Set is the same, to the last field, as read.Load would
// have made it here. The child is believed in nothing but what the files say:
// whose host it is, and what its policy allows, are put in here.
//
// A child has an unprivileged user and no other groups, no capabilities and no way
// to get any, no environment, no files but three pipes, 512 MiB of memory, ten
// seconds of the clock and as many of a processor; it can neither write a file,
// leave a core, nor start a program. Where the kernel can (seccomp), it can open no
// file and no socket, and signal nobody. What it reads it is given: what is small
// with the question, the rest as it asks for it.
package apart
