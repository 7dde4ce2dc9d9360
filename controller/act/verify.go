package act

import (
	"errors"
	"fmt"

	"github.com/pakashop/evenkeel/state"
)

// errUnread says that the second reading did not show what a Step did.
var errUnread = errors.New("what came of it could not be read")

// errUnseen says that no fact shows what a verb does.
var errUnseen = errors.New("no fact shows what it does")

// errUnmet says that a start did not come about, because a condition that the
// unit itself states is not met.
var errUnmet = errors.New("systemd passed over the start")

// verify compares the second reading with what a Step was to bring about. nil
// means that it is so, errUnread that nobody knows, errUnseen that the actuator's
// word is all there is: it is believed where it says that it was done, and where
// it says nothing, nobody knows.
func verify(s state.Step, before, after state.Facts) error {
	target := s.Action.Target
	switch s.Action.Actuator {
	case "systemd":
		if s.Action.Verb == "daemon-reload" {
			return verifyReload(before, after)
		}
		f, ok := after.Units[target]
		if !ok || !f.Known() {
			return fmt.Errorf("%w: %s", errUnread, f.Err)
		}
		return verifyUnit(s, before.Units[target].Value, f.Value)
	case "file":
		f, ok := after.Files[target]
		if !ok || !f.Known() {
			return fmt.Errorf("%w: %s", errUnread, f.Err)
		}
		return verifyFile(s, f.Value)
	}
	return errUnseen
}

func verifyReload(before, after state.Facts) error {
	if after.Host == nil || !after.Host.Known() {
		return errUnread
	}
	// Another time, not a later one: the wall clock may have been set back.
	if before.Host != nil && before.Host.Known() && after.Host.Value.UnitsLoaded.Equal(before.Host.Value.UnitsLoaded) {
		return errors.New("systemd has not loaded its units again")
	}
	return nil
}

func verifyUnit(s state.Step, was, is state.Unit) error {
	name := s.Action.Target
	active := fmt.Sprintf("%s is %s (%s)", name, is.Active, is.Sub)
	switch s.Action.Verb {
	case "start", "restart":
		if !is.Up() && !is.Condition && !is.ConditionAt.IsZero() {
			return fmt.Errorf("%s: %w", active, errUnmet)
		}
		if is.Type == "oneshot" && !is.Remain && is.Active == "inactive" && is.Result == "success" {
			return nil
		}
		if !is.Up() {
			return errors.New(active)
		}
		if s.Action.Verb == "restart" && was.Invocation != "" && is.Invocation == was.Invocation {
			return fmt.Errorf("%s still runs as before", name)
		}
	case "stop":
		if is.Active != "inactive" && is.Active != "failed" {
			return errors.New(active)
		}
	case "reload":
		if !is.Up() {
			return errors.New(active)
		}
	case "enable":
		if is.Boot != "enabled" && is.Boot != "enabled-runtime" && is.Boot != "alias" {
			return fmt.Errorf("%s is %s", name, is.Boot)
		}
	case "disable":
		if is.Boot == "enabled" || is.Boot == "linked" {
			return fmt.Errorf("%s is %s", name, is.Boot)
		}
	case "mask", "unmask":
		masked := is.Boot == "masked" || is.Boot == "masked-runtime"
		if masked != (s.Action.Verb == "mask") {
			return fmt.Errorf("%s is %s", name, is.Boot)
		}
	case "reset-failed":
		if is.Active == "failed" {
			return errors.New(active)
		}
	}
	return nil
}

func verifyFile(s state.Step, f state.File) error {
	switch s.Action.Verb {
	case "write":
		if link := s.Action.Args["link"]; link != "" {
			if f.Kind != state.Symlink || f.Link != link {
				return fmt.Errorf("%s does not lead to %s", s.Action.Target, link)
			}
			return nil
		}
		if f.Kind != state.Regular || f.Digest != s.Action.Args["digest"] {
			return fmt.Errorf("%s does not have the declared content", s.Action.Target)
		}
		return verifyPerm(s.Action.Args, f, s.Action.Target)
	case "remove":
		if f.Kind != state.Absent {
			return fmt.Errorf("%s is still there", s.Action.Target)
		}
	}
	return nil
}

// verifyPerm checks what of mode and owner a write named. Without it a write
// that changes nothing would be planned, and done, for ever.
func verifyPerm(args map[string]string, f state.File, path string) error {
	if want, is := args["mode"], fmt.Sprintf("%04o", f.Mode); want != "" && want != is {
		return fmt.Errorf("%s has mode %s, not %s", path, is, want)
	}
	if want := args["owner"]; want != "" && !f.HasOwner(want) {
		return fmt.Errorf("%s has owner %s, not %s", path, f.Owner, want)
	}
	if want := args["group"]; want != "" && !f.HasGroup(want) {
		return fmt.Errorf("%s has group %s, not %s", path, f.Group, want)
	}
	return nil
}
