// Package actuators is the contract between evenkeel and whatever changes a
// host: the ones that evenkeel brings (systemd, file) and those of strangers.
//
// A plugin author imports this package and nothing else of evenkeel's, except
// actuators/wire to serve and actuators/actuatortest to prove. It therefore
// imports the standard library only, and its names are append-only.
//
// An Action is a closed, plain description of one change: it carries digests,
// never content, so that it can be printed, hashed, stored and checked against
// the host's policy by itself. Content travels beside it in a Request, at the
// last moment.
package actuators
