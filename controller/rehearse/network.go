package rehearse

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
	if !exists(filepath.Join("/sys/class/net", r.Bridge)) {
		if err := ip("link", "add", r.Bridge, "type", "bridge"); err != nil {
			return err
		}
	}
	return errors.Join(
		ip("link", "set", r.Bridge, "up"),
		ip("link", "add", r.Veth, "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(pid)),
		ip("link", "set", r.Veth, "master", r.Bridge, "up"),
	)
}

// disconnect removes the host's end, and the bridge with its last host.
func (r resources) disconnect() error {
	if r.Veth == "" {
		return nil
	}
	var errs []error
	// The kernel takes the pair away with the namespace of its other end, when
	// it gets round to it: gone by itself is as good.
	link := filepath.Join("/sys/class/net", r.Veth)
	if exists(link) {
		if err := ip("link", "del", r.Veth); err != nil && exists(link) {
			errs = append(errs, err)
		}
	}
	ports, err := os.ReadDir(filepath.Join("/sys/class/net", r.Bridge, "brif"))
	if err == nil && len(ports) == 0 {
		errs = append(errs, ip("link", "del", r.Bridge))
	}
	return errors.Join(errs...)
}

func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
