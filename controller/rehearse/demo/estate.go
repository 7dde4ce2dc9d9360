package demo

import (
	"io/fs"
	"slices"
)

// programs are those that play the estate's services.
var programs = []string{"service", "meilisearch"}

// estate is the example folder without the programs' source: a host is given
// what it is held to, and the binaries.
type estate struct{ fs.FS }

// ReadDir leaves the source folders out.
func (e estate) ReadDir(name string) ([]fs.DirEntry, error) {
	found, err := fs.ReadDir(e.FS, name)
	return slices.DeleteFunc(found, func(d fs.DirEntry) bool { return name == "." && slices.Contains(programs, d.Name()) }), err
}
