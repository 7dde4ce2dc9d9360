// Package ask asks a service, once, how it is: over HTTP, TCP, gRPC, Redis' and
// PostgreSQL's own protocols, a socket in the file system, or with a command.
//
// What it meets is a stranger's: each answer is bounded in time and in size,
// addresses are checked when they are connected to, and a command is killed with
// all that it started. A failure is told in words that are the same for the same
// failure, and is the service's only where it cannot be ours: a host without
// network or DNS knows nothing of the health of others.
package ask
