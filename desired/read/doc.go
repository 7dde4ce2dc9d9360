// Package read turns YAML into a desired.Set: strict reading, Defaults,
// overlays, variables and sources. Every error of every file is found in one
// run and says file:line:column and how to mend it.
//
// It is the only package that knows YAML: trees of nodes that remember their
// places are merged first and decoded into the types of package desired last,
// so that places survive. It imports desired, the YAML parser, for Schema the
// generator of JSON Schema, and sealed, to tell whether a file is encrypted as it
// says.
package read
