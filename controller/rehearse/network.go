package rehearse

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// plan names the host's end outside and its bridge. The bridge belongs to this
// process and this Network name, so two programs may use one address range.
func (r *resources) plan(id string, o Options) {
	short := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:5])
	}
	r.Veth = "evk-" + short("host "+id)
	r.Bridge = "evb-" + short("network "+o.Network+" "+strconv.Itoa(os.Getpid()))
	r.Address = o.Address
}

// connect gives the process's network namespace an eth0 on the bridge. The
// bridge has no address outside: hosts see each other and nothing else.
func (r resources) connect(pid int) error {
	unlock, err := lockBase()
	if err != nil {
		return err
	}
	defer unlock()
	bridge, err := net.InterfaceByName(r.Bridge)
	if err != nil {
		if err := addBridge(r.Bridge); err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if bridge, err = net.InterfaceByName(r.Bridge); err != nil {
			return err
		}
	}
	return addPair(r.Veth, bridge.Index, pid)
}

// disconnect removes the host's end, and the bridge with its last host.
func (r resources) disconnect() error {
	if r.Veth == "" {
		return nil
	}
	err := removeLink(r.Veth)
	ports, readErr := os.ReadDir(filepath.Join("/sys/class/net", r.Bridge, "brif"))
	if readErr == nil && len(ports) == 0 {
		err = errors.Join(err, removeLink(r.Bridge))
	}
	return err
}
