// Package gather is the actuator that collects evidence for an alert's case: what a
// Redis keeps and for how long, what a PostgreSQL's sessions do, what the journal says,
// how something outside answers, what the metrics come to and what changed lately. None
// of its verbs has an effect, and what each returns is text for a human: bounded,
// printable, and without what looks like a secret or a telephone number.
//
// It has two halves of one name. Actuator talks to strangers and parses what they say;
// it runs as a plugin, a role of evenkeel's own program, as the user nobody. Front is
// called directly by the controller: it answers by functions what only the controller's
// process can know (metrics, changes, the raw journal) and hands all else on to the
// plugin. The journal's bytes it does not look at: it passes them on.
//
// What a Cache or a Database declares comes as the content of the request. The package
// imports the contract, the actuator postgres for its sessions, and speaks Redis'
// protocol by itself, because every length that a server claims has to be bounded.
package gather
