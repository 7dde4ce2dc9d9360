// Package git turns a branch of a git repository into a Tree: the files of one
// commit, checked and held in memory.
//
// It never interprets what is in them, and it never acts: what the files mean is
// the business of package read, and whether a commit is put in force is the
// plan's. What it does decide is whether a commit may be believed at all: that it
// descends from what was believed before, that somebody has signed it whom the
// host's policy trusts, and that it keeps within bounds.
//
// git itself runs only in a bounded child that has no rights, because what a
// server sends is a stranger's input; so this is, beside the actuators, the one
// package that starts processes. It imports nothing of evenkeel.
package git
