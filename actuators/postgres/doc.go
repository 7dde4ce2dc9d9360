// Package postgres is the actuator that ends sessions of a PostgreSQL which have
// been idle, or idle in a transaction, for too long: what a leak leaves behind.
//
// It ends sessions of the one database that the DSN names, by
// pg_terminate_backend, and each only if it is still the session that was seen,
// in the state and since the moment in which it was seen. It never ends one that
// works, its own or another evenkeel's, one of replication or of the server's
// own workers (only "client backend" counts), nor a superuser's, who is mostly
// an administrator, unless the request names that user.
//
// The DSN comes as the content of the request and is a secret as a whole. So no
// text of the driver's or the server's reaches an error: each is told by what
// kind of trouble it is.
//
// It imports the contract and pgx's lowest layer. It runs as a plugin: a role of
// evenkeel's own program, as the user nobody.
package postgres
