// Package sealed decrypts on the host what lies encrypted in git (age, by
// filippo.io/age): sources that end in .age.
//
// Whoever reads desired state only learns that a file is sealed, and checks that
// it is an age file. On the host root unseals what was read, with the identity
// that the host's policy names: then planning, drift and restarts work for it as
// for any other file. Without an identity that fits, the file is known by name
// alone and nothing is written.
//
// A secret is often short, and whoever knows its SHA-256 can find it by trying.
// Digests are everywhere: in steps and their IDs, in the record, in what the
// socket tells everybody. So those of sealed files are not SHA-256 but keyed with
// a key of this host's own that only root can read (see Names): they tell that
// content changed, and to nobody what it is. Nothing else of the plaintext leaves
// this package but the content itself, for the actuator that writes it; errors
// hold nothing of it.
package sealed
