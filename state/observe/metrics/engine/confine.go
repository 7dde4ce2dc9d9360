package engine

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired/powerless"
)

// folder is the descriptor under which the child is given its folder.
const folder = 3

var limits = powerless.Limits{Memory: 512 << 20, Files: 1024, Tasks: 4096, FileSize: 256 << 20}

// confine gives up what the start could not take, goes into the folder that it is
// given, which it could not find by its path, and refuses to go on with any right
// that is left.
func confine() error {
	if err := powerless.Shut(); err != nil {
		return err
	}
	if err := unix.Fchdir(folder); err != nil {
		return fmt.Errorf("enter its folder: %w", err)
	}
	_ = unix.Close(folder)
	unix.Umask(0o077)
	if err := limits.Hold(); err != nil {
		return err
	}
	return powerless.Check("evaluate")
}
