// Package install knows what evenkeel itself puts on a host: its policy, its
// folder of desired state, the unit of its controller, and a list of these. It
// puts them there without touching anything that exists, and takes them away
// again without touching anything else.
//
// It works on files alone, below any root, so that it serves disk images as
// well; systemd and the group are the caller's affair.
package install
