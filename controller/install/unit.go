package install

import (
	_ "embed"
	"strings"
)

// UnitName is the controller's unit.
const UnitName = "evenkeel.service"

//go:embed evenkeel.service
var unitText string

// UnitFile is the text of the controller's unit, for a program at a path.
func UnitFile(program string) []byte {
	return []byte(strings.Replace(unitText, "@PROGRAM@", execWord(program), 1))
}

// execWord writes a path as one word of ExecStart=.
func execWord(path string) string {
	path = strings.ReplaceAll(path, "%", "%%")
	if !strings.ContainsAny(path, " \t\"'\\;") {
		return path
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(path) + `"`
}
