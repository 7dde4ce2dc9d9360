// Package exec is the actuator that runs a declared program, as the user whom
// the host's policy names for it.
//
// There is no shell: the program and its arguments are passed on as they are.
// systemd runs it, in a transient service of its own, so that it has none of
// evenkeel's privileges, priority or restrictions, and so that everything it has
// started ends with it, in whatever session it hides, also when evenkeel is
// killed meanwhile. The service has no input, systemd's own environment, no way
// to new privileges, and bounds: time (timeout, 30s) and, as far as systemd
// has the kernel's controllers, processes and threads (256) and memory (1 GiB);
// in any case no user but root has more than 1024 of the former. Of its output the last 60 KiB are kept.
//
// A request with a Key is carried out once: that it was begun is on disk before.
//
// Who may run what is not judged here but by whoever calls. It imports the
// contract and godbus. It runs as a plugin: a role of evenkeel's own program.
package exec
