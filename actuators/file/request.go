package file

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os/user"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
)

// wish is a request, understood.
type wish struct {
	action  actuators.Action
	path    string
	content []byte
	remove  bool
	digest  string // SHA-256 of what is to lie there; with onlyPerm, and of a link, empty
	was     string // how the caller calls what he saw there; empty: no file
	name    func(path, digest string) string
	link    string // where the link that is to lie there leads; empty: no link is to
	wasLink string // where the link that the caller saw there leads; empty: there was none
	keep    bool   // what is replaced is a human's, and is to be kept
	object  string
	perm    attributes
	// onlyPerm says that the content belongs to the host: what is wanted is what
	// was seen, and the content that came along is empty.
	onlyPerm bool
}

// maxLink is the kernel's limit.
const maxLink = 4096

// attributes are what a file has beside its content.
type attributes struct {
	mode     uint32
	uid, gid int
}

// noContent is the digest of an empty file.
const noContent = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// parse understands a request, or says why it can never work.
func (a *Actuator) parse(r actuators.Request) (wish, error) {
	if err := info.Check(r); err != nil {
		return wish{}, err
	}
	hostOwned := r.Verb == "write" && len(r.Content) == 0 && r.Args["was"] == r.Args["digest"] && r.Args["was"] != noContent && r.Args["link"] == ""
	w := wish{
		action: r.Action, path: r.Target, content: r.Content, remove: r.Verb == "remove", onlyPerm: hostOwned,
		was: r.Args["was"], name: a.name, keep: r.Args["keep"] == "1", object: r.Args["object"],
		link: r.Args["link"], wasLink: r.Args["wasLink"],
	}
	invalid := func(format string, args ...any) (wish, error) {
		return wish{}, actuators.Errorf(actuators.Invalid, "%s: "+format, append([]any{r.Action}, args...)...)
	}
	switch {
	case !path.IsAbs(w.path) || path.Clean(w.path) != w.path || w.path == "/" || strings.ContainsRune(w.path, 0):
		return invalid("the target must be an absolute path without . and ..")
	case strings.HasPrefix(path.Base(w.path), TempPrefix):
		return invalid("names that begin with %s are evenkeel's own", TempPrefix)
	case w.was != "" && !digestForm.MatchString(w.was):
		return invalid("was must be a SHA-256 in hexadecimal")
	case r.Args["keep"] != "" && r.Args["keep"] != "0" && r.Args["keep"] != "1":
		return invalid("keep must be 0 or 1")
	case w.was != "" && w.wasLink != "":
		return invalid("what was seen there is a file or a link, and not both")
	case strings.ContainsRune(w.link+w.wasLink, 0) || len(w.link) >= maxLink || len(w.wasLink) >= maxLink:
		return invalid("a link leads to at most %d bytes, none of them zero", maxLink-1)
	case w.remove && w.was == "" && w.wasLink == "":
		return invalid("was is missing: what lies there must have been seen")
	case w.remove:
		return w, nil
	case w.link != "" && (len(w.content) > 0 || r.Args["digest"]+r.Args["mode"]+r.Args["owner"]+r.Args["group"] != ""):
		return invalid("a link has no content, digest, mode or owner of its own")
	case w.link != "":
		return w, nil
	case w.wasLink != "":
		return invalid("a link is replaced by another one only")
	case !digestForm.MatchString(r.Args["digest"]):
		return invalid("digest must be a SHA-256 in hexadecimal")
	}
	if !hostOwned {
		sum := sha256.Sum256(w.content)
		if w.digest = hex.EncodeToString(sum[:]); a.name(w.path, w.digest) != r.Args["digest"] {
			return invalid("the content does not have the digest")
		}
	}
	var err error
	if w.perm, err = parsePerm(r.Args); err != nil {
		return invalid("%w", err)
	}
	return w, nil
}

// parsePerm reads mode, owner and group; absent they are 0644, root and root.
func parsePerm(args map[string]string) (attributes, error) {
	p := attributes{mode: 0o644}
	if s := args["mode"]; s != "" {
		m, err := strconv.ParseUint(s, 8, 32)
		if err != nil || m > 0o7777 {
			return p, errors.New("mode must be octal, as in 0644")
		}
		p.mode = uint32(m)
	}
	var err error
	if p.uid, err = lookup("owner", args["owner"], userID); err != nil {
		return p, err
	}
	p.gid, err = lookup("group", args["group"], groupID)
	return p, err
}

// lookup turns a name or a number into a number.
func lookup(what, name string, find func(string) (string, error)) (int, error) {
	if name == "" {
		return 0, nil
	}
	id, err := find(name)
	if err != nil {
		id = name // a number, or nobody that this host knows
	}
	n, err := strconv.ParseUint(id, 10, 31)
	if err != nil {
		return 0, errors.New(what + ` "` + name + `" is not known on this host`)
	}
	return int(n), nil
}

func userID(name string) (string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return "", err
	}
	return u.Uid, nil
}

func groupID(name string) (string, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return "", err
	}
	return g.Gid, nil
}

// compare holds what lies there against what the caller saw and against what is
// wanted. done says that it is already so; an error of kind Conflict, that
// somebody else was faster.
func (w wish) compare(have target) (done bool, err error) {
	conflict := func(what string) (bool, error) {
		return false, actuators.Errorf(actuators.Conflict, "%s: %s since it was last looked at; nothing was done", w.action, what)
	}
	switch {
	case w.remove && !have.exists:
		return true, nil
	case !have.exists && w.was+w.wasLink != "":
		return conflict("the file was removed")
	case !have.exists:
		return false, nil
	case w.link != "" && have.link == w.link:
		return true, nil
	case !w.remove && w.link == "" && w.is(have):
		return have.perm == w.perm, nil
	case w.was == "" && w.wasLink == "":
		return conflict("a file appeared there")
	case !w.seen(have):
		return conflict("the file was changed")
	}
	return false, nil
}

// seen tells whether what lies there is what the caller saw.
func (w wish) seen(have target) bool {
	return w.name(w.path, have.digest) == w.was && have.link == w.wasLink
}

// is tells whether what lies there has the content that is to lie there.
func (w wish) is(have target) bool {
	if w.onlyPerm {
		return w.seen(have)
	}
	return have.digest == w.digest
}

// detail is one line for a human.
func (w wish) detail(have target) string {
	switch {
	case w.remove:
		return "remove " + w.path
	case w.link != "":
		return w.path + " leads to " + w.link
	case !have.exists:
		return "create " + w.path
	case w.is(have):
		return "set mode, owner and group of " + w.path
	}
	return "replace " + w.path
}
