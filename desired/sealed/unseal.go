package sealed

import (
	"errors"

	"github.com/pakashop/evenkeel/desired"
)

// Wrong is a sealed file that is wrong whoever decrypts it.
type Wrong struct {
	Pos     desired.Pos // of the file
	Message string
}

// Unseal decrypts the sealed files of a Set that nobody uses yet, in place, and
// names their content by names. A file for which the identity does not do stays
// Locked, and says why; only what is wrong with the files themselves is returned.
func Unseal(set *desired.Set, id Identity, names *Names) []Wrong {
	var wrong []Wrong
	for i := range set.Services {
		s := &set.Services[i]
		before := len(wrong)
		for j := range s.Files {
			a := &s.Files[j]
			if a.Sealed == nil {
				continue
			}
			if err := unseal(a, id, names); err != nil {
				wrong = append(wrong, Wrong{a.From, a.Path + ": " + err.Error()})
			}
		}
		if err := s.Unlocked(); err != nil && len(wrong) == before {
			wrong = append(wrong, Wrong{s.Pos, s.Object() + ": " + err.Error()})
		}
	}
	return wrong
}

func unseal(a *desired.Artifact, id Identity, names *Names) error {
	if id.why != "" {
		a.Locked = "it is encrypted, and " + id.why
		return nil
	}
	content, err := id.open(a.Sealed)
	switch {
	case errors.Is(err, errOthers):
		a.Locked = "it is encrypted for others than the identity that policy names, " + id.path +
			"; encrypt it for this host too: age-keygen -y " + id.path + " prints its recipient"
		return nil
	case err != nil:
		return err
	}
	if err := a.Unlock(content); err != nil {
		return err
	}
	a.Digest = names.keyed(desired.Digest(a.Content))
	return nil
}
