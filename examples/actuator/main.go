// Command motd is a plugin for evenkeel: an actuator that puts lines into the
// message of the day. It is small on purpose; docs/actuator-guide.md walks
// through it.
package main

import (
	"fmt"
	"os"

	"github.com/pakashop/evenkeel/actuators/wire"
)

func main() {
	config := Config{Folder: "/etc/motd.d"}
	if err := wire.Config(&config); err != nil {
		fmt.Fprintln(os.Stderr, "motd:", err)
		os.Exit(2)
	}
	wire.Serve(New(config))
}
