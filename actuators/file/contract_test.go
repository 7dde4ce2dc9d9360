package file_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
)

// subject is the actuator with each thing that it can be asked.
func subject(t *testing.T) actuatortest.Subject {
	h := newHost(t)
	look := func(t *testing.T) string {
		info, err := os.Lstat(h.path("/etc/x.conf"))
		if os.IsNotExist(err) {
			return "nothing"
		}
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%v %q", info.Mode(), h.get("/etc/x.conf"))
	}
	old := func(*testing.T) { h.put("/etc/x.conf", "old") }
	perm := write("/etc/x.conf", "", "old", "digest", sum("old"), "mode", "0600")
	return actuatortest.Subject{
		Actuator: h.a,
		Samples: []actuatortest.Sample{
			{Name: "create", Request: write("/etc/x.conf", "new", ""), Look: look},
			{Name: "replace", Request: write("/etc/x.conf", "new", "old", "keep", "1", "object", "Service/x"), Before: old, Look: look},
			{Name: "mode of a file of the host's", Request: perm, Before: old, Look: look},
			{Name: "mode", Request: write("/etc/x.conf", "old", "old", "mode", "0600"), Before: old, Look: look},
			{Name: "link", Request: point("/etc/current", "../etc", "old", "keep", "1"), Before: func(*testing.T) { link(h, "old", "/etc/current") }, Look: func(t *testing.T) string {
				to, _ := os.Readlink(h.path("/etc/current"))
				return to
			}},
			{Name: "remove", Request: remove("/etc/x.conf", "old", "keep", "1"), Before: old, Look: look},
		},
		Failing: []actuatortest.Failing{
			{Name: "a mask", Request: write("/etc/m.service", "new", ""), Before: func(*testing.T) { link(h, "/dev/null", "/etc/m.service") }, Kind: actuators.Refused},
			{Name: "a newer change", Request: write("/etc/x.conf", "new", "seen"), Before: old, Kind: actuators.Conflict},
			{Name: "another content", Request: write("/etc/x.conf", "new", "", "digest", sum("other")), Kind: actuators.Invalid},
		},
	}
}

func TestContract(t *testing.T) { actuatortest.Run(t, subject) }
