// Package cache is the actuator that flushes caches: keys of a Redis by pattern,
// by how long nobody has used them, or because they never expire; and responses
// that an nginx keeps in a folder.
//
// It counts before it deletes. What is more than the share that the request
// allows is refused with both counts in the text, and nothing is touched. Only
// keys within the patterns that the Cache object declares are deleted, and a
// whole database only where the object says so; of a folder only regular files
// that are named and placed as nginx names and places them, on the folder's own
// file system, reached by descriptors and never through a symbolic link.
//
// What the object declares comes as the content of the request, so that this
// package knows nothing of desired state. It imports the contract, go-redis, and
// x/sys for openat2. It runs as a plugin: a role of evenkeel's own program.
package cache
