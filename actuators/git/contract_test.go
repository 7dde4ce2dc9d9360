package git

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
	"github.com/pakashop/evenkeel/actuators/host"
)

// subject is a server of its own for each case, that a user without rights may
// write to.
func subject(t *testing.T) actuatortest.Subject {
	s := copyOf(t, "subject", func(to server) {
		from, good := newServer(t)
		bad := from.commit("production", "ada", "Bad", "unit", "bad", "other", "untouched")
		from.git("update-ref", "refs/heads/staging", good)
		from.git("update-ref", "refs/heads/busy", bad)
		from.commit("busy", "bob", "Mended", "unit", "good")
		if err := os.CopyFS(to.repo, os.DirFS(from.repo)); err != nil {
			t.Fatal(err)
		}
	})
	good, bad := s.at("staging"), s.at("production")
	share(t, s)
	r := revert(told(s.url()), good, bad)
	moved := r
	moved.Target = "busy"
	return actuatortest.Subject{
		Actuator: New("1"),
		Samples: []actuatortest.Sample{
			{Name: "revert", Request: r, Look: s.look},
			{Name: "push to a branch that is behind", Request: request("push", "staging", told(s.url()), "commit", bad, "expect", good), Look: s.look},
			{Name: "push to a new branch", Request: request("push", "testing/app-1", told(s.url()), "commit", good), Look: s.look},
		},
		Failing: []actuatortest.Failing{
			{Name: "a branch that has moved on", Request: moved, Kind: actuators.Conflict},
			{Name: "another branch than expected", Request: request("push", "staging", told(s.url()), "commit", bad, "expect", bad[:39]+"0"), Kind: actuators.Conflict},
			{Name: "a branch that is there", Request: request("push", "staging", told(s.url()), "commit", bad), Kind: actuators.Conflict},
			{Name: "a branch that is not there", Request: request("push", "none", told(s.url()), "commit", bad, "expect", good), Kind: actuators.Conflict},
			{Name: "a step back", Request: request("push", "production", told(s.url()), "commit", good, "expect", bad), Kind: actuators.Refused},
			{Name: "a commit that is not there", Request: request("push", "staging", told(s.url()), "commit", strings.Repeat("ab", 20), "expect", good), Kind: actuators.Refused},
			{Name: "no such branch", Request: request("revert", "none", told(s.url()), "commit", bad, "base", good, "at", "2027-01-15T08:00:00Z", "host", "a"), Kind: actuators.Invalid},
			{Name: "no such repository", Request: request("push", "staging", told(s.url()+"x"), "commit", bad, "expect", good), Kind: actuators.NotFound},
			{Name: "nobody there", Request: request("push", "staging", told("https://127.0.0.1:1/x.git"), "commit", bad, "expect", good), Kind: actuators.Unavailable},
		},
	}
}

// share lets the user nobody write to a server's repository.
func share(t *testing.T, s server) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(s.repo, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, uid, -1))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestContract(t *testing.T) { actuatortest.Run(t, subject) }

// As a process it is slower to start: what is refused was proven above.
func TestPlugin(t *testing.T) {
	spec := host.Spec{Name: Name, Role: Name}
	if os.Geteuid() == 0 {
		spec.User = "nobody"
	}
	actuatortest.RunProcess(t, spec, func(t *testing.T) actuatortest.Subject {
		s := subject(t)
		s.Samples, s.Failing = s.Samples[:2], s.Failing[:1]
		return s
	})
}
