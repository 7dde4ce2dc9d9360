package git

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Options say what is followed, and how.
type Options struct {
	Remotes []string // in the order in which they are asked: https://, ssh://, user@host:path, file:// or an absolute path
	Branch  string   // what is followed; a Mirror that only reviews needs none
	Path    string   // the folder of a monorepo that is read; empty: all
	Testing string   // name of this host: testing/<host> is followed instead while it sits on top of the branch; empty: never

	Folder  string // where the mirror lies; each folder above it must let User through
	Scratch string // where HOME and the copies of keys lie as long as git runs, best in memory; empty: /dev/shm, or the system's folder for temporary files
	User    string // whom git runs as; empty: this process' own user

	Credentials []string // folders with git-ssh-key, git-known-hosts, git-token; the first that has one counts
	Signers     string   // file of allowed signers: lines for ssh-keygen, armored OpenPGP public keys, or both; empty: nobody asks for signatures
	CA          string   // file of certificates that https remotes are held against; empty: the system's

	Limits Limits
	Log    *slog.Logger
}

// Limits bound what git and a remote may cost. What is 0 is as the comment says.
type Limits struct {
	Memory int64         // bytes of address space of each process of git's; 512 MiB
	Time   time.Duration // of a whole fetch, with all that is checked; 60 s
	Disk   int64         // bytes of the mirror; 2 GiB
	Pack   int64         // bytes of one file in it; 1 GiB
	Tasks  int           // processes and threads of User's at a time, beside those that are there; 256
	File   int64         // bytes of a file that is read; 1 MiB
	Total  int64         // bytes of all files that are read; 16 MiB
	Files  int           // that are read; 10000
	Depth  int           // folders in one another; 32
}

func (l Limits) withDefaults() Limits {
	for _, b := range []struct {
		at *int64
		is int64
	}{{&l.Memory, 512 << 20}, {&l.Disk, 2 << 30}, {&l.Pack, 1 << 30}, {&l.File, 1 << 20}, {&l.Total, 16 << 20}} {
		if *b.at <= 0 {
			*b.at = b.is
		}
	}
	for _, n := range []struct {
		at *int
		is int
	}{{&l.Tasks, 256}, {&l.Files, 10000}, {&l.Depth, 32}} {
		if *n.at <= 0 {
			*n.at = n.is
		}
	}
	if l.Time <= 0 {
		l.Time = 60 * time.Second
	}
	return l
}

// goodRef is what may stand behind refs/heads/ here: less than git allows.
var goodRef = lazily(`^[0-9A-Za-z_][0-9A-Za-z._+@=-]*(/[0-9A-Za-z_][0-9A-Za-z._+@=-]*)*$`)

// checkRef says what is wrong with the name of a branch, a tag or a commit.
func checkRef(name string) error {
	bad := !goodRef().MatchString(name) || len(name) > 200 || strings.Contains(name, "..") || strings.Contains(name, "@{")
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock")
	}
	if bad {
		return fmt.Errorf("%q is no name of a branch, a tag or a commit that is followed here: letters, digits and . _ + @ = - between slashes", name)
	}
	return nil
}

// check says what is wrong with Options, and fills in what was left out.
func (o *Options) check() error {
	if len(o.Remotes) == 0 {
		return errors.New("name a git remote to follow")
	}
	if o.Branch != "" {
		if err := checkRef(o.Branch); err != nil {
			return err
		}
	}
	if o.Testing != "" {
		if err := checkRef("testing/" + o.Testing); err != nil || strings.Contains(o.Testing, "/") {
			return fmt.Errorf("the host's name %q cannot stand in testing/<host>: name it in policy", o.Testing)
		}
	}
	o.Path = strings.TrimSuffix(strings.TrimPrefix(o.Path, "./"), "/")
	if o.Path == "." {
		o.Path = ""
	}
	if o.Path != "" && (!fs.ValidPath(o.Path) || path.Clean(o.Path) != o.Path) {
		return fmt.Errorf("the path %q in the repository must be relative, and must not lead out of it", o.Path)
	}
	for _, dir := range []*string{&o.Folder, &o.Scratch, &o.Signers, &o.CA} {
		if *dir == "" {
			continue
		}
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return err
		}
		*dir = abs
	}
	if o.Folder == "" {
		return errors.New("name a folder for the mirror of the git remote")
	}
	o.Limits = o.Limits.withDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// lazily is a pattern that is compiled when it is first needed: most starts of the
// program need none.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
