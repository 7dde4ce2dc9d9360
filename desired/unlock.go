package desired

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Encrypted tells a source whose content is encrypted for the host (age).
func Encrypted(source string) bool { return strings.HasSuffix(source, ".age") }

// maxUnlocked bounds the files of a service that were decrypted, as maxExpanded
// bounds each of them.
const maxUnlocked = 16 * maxExpanded

// Unlock gives a sealed file the content that was decrypted, with its variables
// replaced. The caller gives it its Digest. An error tells nothing of what is in
// it, not even the name of a variable: what looks like one may be part of a
// password.
func (a *Artifact) Unlock(content []byte) error {
	if w := a.Within; w != nil {
		if w.Many && holds(string(content), "$(instance)") {
			return errors.New("the content differs from instance to instance, so the path must name $(instance) too")
		}
		text, unknown := Expand(string(content), w.Vars.Lookup(w.Object, w.Instance))
		if len(unknown) > 0 {
			if unknown[0].Name == "" {
				return errors.New("the text is too large once its variables are replaced")
			}
			line := 1 + strings.Count(string(content[:unknown[0].Offset]), "\n")
			return fmt.Errorf("line %d of what is decrypted names a variable that is not known; write $$( for the text $( itself", line)
		}
		content = []byte(text)
	}
	a.Content, a.Locked = content, ""
	return nil
}

// Unlocked works out again what follows from files that were unlocked.
func (s *Service) Unlocked() error {
	size := 0
	for _, a := range s.Files {
		if a.Sealed != nil {
			size += len(a.Content)
		}
	}
	if size > maxUnlocked {
		return errors.New("its decrypted files together are too large")
	}
	s.FilesDigest = digestOf(s.Files...)
	return nil
}

// SameSecrets tells whether as much is known of what is sealed in a Set as in
// another one of its revision: the host's identity is none of git's business, and
// comes and goes by itself.
func (s *Set) SameSecrets(other *Set) bool {
	return slices.Equal(s.secrets(), other.secrets())
}

// Seals tells whether there is anything encrypted in a Set.
func (s *Set) Seals() bool { return len(s.secrets()) > 0 }

// StayLocked gives each sealed file the digest of its encrypted form, for whoever
// compares revisions and decrypts nothing: that tells what changed, and may tell
// more where the same content was encrypted anew.
func (s *Set) StayLocked() {
	for i := range s.Services {
		for j := range s.Services[i].Files {
			if a := &s.Services[i].Files[j]; a.Sealed != nil {
				a.Digest, a.Locked = Digest(a.Sealed), ""
			}
		}
		s.Services[i].FilesDigest = digestOf(s.Services[i].Files...)
	}
}

// secrets lists what is known of each sealed file.
func (s *Set) secrets() []string {
	var all []string
	for i := range s.Services {
		for _, a := range s.Services[i].Files {
			if a.Sealed != nil {
				all = append(all, a.Path, a.Digest, a.Locked)
			}
		}
	}
	return all
}
