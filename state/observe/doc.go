// Package observe looks at the host: it is what the loop has for eyes. It puts
// together the observers of the parts (units, files, links, host, journal, probes,
// metrics), each of which knows one source and nothing of the others.
//
// It imports state and the parts. It decides nothing and changes nothing; a
// reading that failed is a fact with its error, never an error of the whole,
// because one hung source must not blind evenkeel to the rest.
package observe
