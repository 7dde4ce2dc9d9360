// Package git is the actuator that takes commits back: it makes one commit that
// reverts what broke something, and pushes it. It also pushes a commit that the
// remote already has to a branch.
//
// A revert is made at most once. It is looked for on the branch before anything
// is done, by the key in its trailer and by what it reverts; it is the same
// commit, to the bit, whoever makes it again from the same request; and a push
// only ever replaces the commit that was seen there (compare-and-set). So neither
// a lost acknowledgement nor two evenkeels make two of it. A revert is never
// reverted, and what several people have built meanwhile is left to them.
//
// It is made where the branch ends with the bad commit, and nowhere else: then it
// is the tree of the last good commit, nothing is to be merged, nothing can
// conflict, and no file is ever checked out.
//
// git runs on a repository of our own in a private folder that is gone afterwards,
// with nothing of the host's configuration, bounded in time, memory and size, and
// without a way to new privileges. What a server sends is a stranger's input.
//
// Remotes and credentials come as the content of the request: their contents, not
// the paths of files, because this runs as a user who may read none of root's. A
// key never lies in a file here: ssh is given an agent that signs in this process,
// commits are signed in this process, and a token is in memory, open to git alone.
// No text of an error has a part of one.
//
// It imports the contract, x/sys, and x/crypto for keys of SSH. It runs as a
// plugin: a role of evenkeel's own program, as a user without rights.
package git
