package demo

import (
	"io/fs"
	"slices"
)

// estate is the example folder without the program's source: a host is given
// what it is held to, and the binary.
type estate struct{ fs.FS }

// ReadDir leaves the source folder out.
func (e estate) ReadDir(name string) ([]fs.DirEntry, error) {
	found, err := fs.ReadDir(e.FS, name)
	return slices.DeleteFunc(found, func(d fs.DirEntry) bool { return name == "." && d.Name() == "service" }), err
}
