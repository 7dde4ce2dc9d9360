// Package desired holds what should be true, as plain data: the kinds that
// operators write, the host's policy, and the Set that one host is held to.
//
// It imports the standard library only, because a Set is compared, hashed,
// printed as JSON and crosses process borders. Reading YAML is desired/read's,
// following git desired/git's; Compile makes a Set of what they return.
package desired
