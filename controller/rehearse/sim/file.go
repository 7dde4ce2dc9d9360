package sim

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file"
	"github.com/pakashop/evenkeel/state"
)

// fileActuator keeps the promises of the real file actuator in memory: compare
// and set, never through a link and never over one, displaced copies kept.
type fileActuator struct {
	h    *Host
	real *file.Actuator // for what it says of itself; nothing of it is ever applied
}

func newFileActuator(h *Host) fileActuator {
	return fileActuator{h: h, real: file.New(file.Options{})}
}

// Info is the real one's.
func (a fileActuator) Info(ctx context.Context) (actuators.Info, error) { return a.real.Info(ctx) }

// Apply writes or removes a file.
func (a fileActuator) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	if err := a.check(ctx, r); err != nil {
		return actuators.Result{}, err
	}
	var res actuators.Result
	err := a.h.hand(func() error {
		have, err := a.look(r)
		if err != nil {
			return err
		}
		res, err = a.apply(r, have)
		return err
	})
	return res, err
}

func (a fileActuator) check(ctx context.Context, r actuators.Request) error {
	checked := r
	if ownedByHost(r) || r.Args["link"] != "" {
		checked.Content = []byte{}
	}
	info, err := a.real.Info(ctx)
	if err == nil {
		err = info.Check(checked)
	}
	switch {
	case err != nil:
		return err
	case !path.IsAbs(r.Target) || path.Clean(r.Target) != r.Target || r.Target == "/":
		return actuators.Errorf(actuators.Invalid, "%s: the target must be an absolute path without . and ..", r.Action)
	case r.Args["link"] != "" && (len(r.Content) > 0 || r.Args["digest"]+r.Args["mode"]+r.Args["owner"]+r.Args["group"] != ""):
		return actuators.Errorf(actuators.Invalid, "%s: a link has no content, digest, mode or owner of its own", r.Action)
	case r.Verb == "remove" && r.Args["was"]+r.Args["wasLink"] == "":
		return actuators.Errorf(actuators.Invalid, "%s: was is missing: what lies there must have been seen", r.Action)
	case r.Verb == "write" && r.Args["link"] == "" && !ownedByHost(r) && state.Digest(r.Content) != r.Args["digest"]:
		return actuators.Errorf(actuators.Invalid, "%s: the content does not have the digest", r.Action)
	}
	return nil
}

// ownedByHost tells a write that sets owner and mode only.
func ownedByHost(r actuators.Request) bool {
	return r.Verb == "write" && len(r.Content) == 0 && r.Args["was"] != "" && r.Args["was"] == r.Args["digest"]
}

// look reads what lies at the target, nil for nothing, and refuses links.
func (a fileActuator) look(r actuators.Request) (*node, error) {
	dir := "/"
	for _, name := range parts(path.Dir(r.Target)) {
		dir = path.Join(dir, name)
		n := a.h.fs.at(dir)
		switch {
		case n == nil:
			return nil, nil
		case n.kind == state.Symlink:
			return nil, actuators.Errorf(actuators.Refused, "%s: %s is a link; evenkeel writes through none, declare the path that it leads to", r.Action, dir)
		case n.kind != state.Folder:
			return nil, actuators.Errorf(actuators.Refused, "%s: %s is no folder", r.Action, dir)
		}
	}
	n := a.h.fs.at(r.Target)
	switch {
	case n == nil || n.kind == state.Regular:
		return n, nil
	case aboutLink(r) && n.kind == state.Symlink:
		return n, nil
	case aboutLink(r) && n.kind == state.Folder:
		return nil, actuators.Errorf(actuators.Refused, "%s: a folder lies where the link belongs, and evenkeel removes none; move it away", r.Action)
	case n.kind == state.Symlink && n.link == "/dev/null":
		return nil, actuators.Errorf(actuators.Refused, "%s: the unit is masked: there is a link to /dev/null, which stands until it is unmasked", r.Action)
	case n.kind == state.Symlink:
		return nil, actuators.Errorf(actuators.Refused, "%s: there is a link to %s; evenkeel neither follows nor replaces it", r.Action, n.link)
	}
	return nil, actuators.Errorf(actuators.Refused, "%s: what lies there is no regular file", r.Action)
}

// aboutLink tells a request that makes, replaces or removes a link.
func aboutLink(r actuators.Request) bool { return r.Args["link"]+r.Args["wasLink"] != "" }

func (a fileActuator) apply(r actuators.Request, have *node) (actuators.Result, error) {
	conflict := func(what string) (actuators.Result, error) {
		return actuators.Result{}, actuators.Errorf(actuators.Conflict, "%s: %s since it was last looked at; nothing was done", r.Action, what)
	}
	link := r.Args["link"]
	was, digest := state.File{Digest: r.Args["was"], Link: r.Args["wasLink"]}.Lies(), have.fact().Lies()
	want, err := wanted(r)
	if err != nil {
		return actuators.Result{}, err
	}
	switch {
	case r.Verb == "remove" && have == nil:
		return actuators.Result{Detail: r.Target + " is already gone"}, nil
	case have == nil && was != "":
		return conflict("the file was removed")
	case have != nil && link != "" && have.link == link:
		return actuators.Result{Detail: r.Target + " is already so"}, nil
	case have != nil && r.Verb == "write" && link == "" && digest == r.Args["digest"]:
		return a.perms(r, have, want)
	case have != nil && was == "":
		return conflict("a file appeared there")
	case have != nil && digest != was:
		return conflict("the file was changed")
	}
	if link != "" && a.h.fs.at(join(path.Dir(r.Target), link)) == nil {
		return actuators.Result{}, actuators.Errorf(actuators.Refused, "%s: the folder %s does not exist; the link was left as it is", r.Action, join(path.Dir(r.Target), link))
	}
	res := actuators.Result{Changed: true, Detail: "create " + r.Target}
	if have != nil {
		res.Detail = "replace " + r.Target
		res.Displaced = a.displace(r, have)
	}
	if link != "" {
		res.Detail = r.Target + " leads to " + link
	}
	if r.Verb == "remove" {
		res.Detail = "remove " + r.Target
		a.h.fs.remove(r.Target)
		a.h.wrote(r.Target)
		return res, nil
	}
	return res, a.h.put(r.Target, want)
}

// wanted is the file that is to lie there.
func wanted(r actuators.Request) (*node, error) {
	if link := r.Args["link"]; link != "" {
		return symlink(link), nil
	}
	n := regular(r.Content, 0o644, "root", "root")
	if s := r.Args["mode"]; s != "" {
		m, err := strconv.ParseUint(s, 8, 32)
		if err != nil || m > 0o7777 {
			return nil, actuators.Errorf(actuators.Invalid, "%s: mode must be octal, as in 0644", r.Action)
		}
		n.mode = uint32(m)
	}
	if s := r.Args["owner"]; s != "" {
		n.owner = s
	}
	if s := r.Args["group"]; s != "" {
		n.group = s
	}
	return n, nil
}

// perms sets owner and mode of a file whose content is right.
func (a fileActuator) perms(r actuators.Request, have, want *node) (actuators.Result, error) {
	if have.mode == want.mode && have.owner == want.owner && have.group == want.group {
		return actuators.Result{Detail: r.Target + " is already so"}, nil
	}
	have.mode, have.owner, have.group = want.mode, want.owner, want.group
	have.ctime = a.h.clock.wallNow()
	a.h.wrote(r.Target)
	return actuators.Result{Changed: true, Detail: "set mode, owner and group of " + r.Target}, nil
}

func (a fileActuator) displace(r actuators.Request, have *node) string {
	if r.Args["keep"] != "1" {
		return ""
	}
	id := fmt.Sprintf("sim-%d", len(a.h.displaced)+1)
	a.h.displaced[id] = have.content
	if have.kind == state.Symlink {
		a.h.displaced[id] = []byte(have.link)
	}
	return id
}

// Displaced returns what was kept of a human's file before it was replaced or
// removed; false: there is no such copy.
func (h *Host) Displaced(id string) (string, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, ok := h.displaced[strings.TrimSpace(id)]
	return string(b), ok
}
