package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// List is what install wrote on a host. It lies beside the policy, so that
// uninstall can tell what nobody has touched since from what is a human's.
type List struct {
	Files   map[string]string `json:"files"`           // path → digest
	Folders []string          `json:"folders"`         // those that were missing
	Group   string            `json:"group,omitempty"` // the group, if it was missing
}

// readList reads the list; where there is none, nothing was installed.
func readList(r *os.Root) (*List, error) {
	l := &List{Files: map[string]string{}}
	b, err := contentOf(r, ListPath)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, l); err != nil {
		return nil, fmt.Errorf("read %s: %w; remove it to go on: then nothing counts as written by install", ListPath, err)
	}
	if l.Files == nil {
		l.Files = map[string]string{}
	}
	return l, nil
}

func (l *List) write(r *os.Root) error {
	slices.Sort(l.Folders)
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", ListPath, err)
	}
	b = append(b, '\n')
	if had, err := contentOf(r, ListPath); err == nil && string(had) == string(b) {
		return nil
	}
	if err := r.Remove(inside(ListPath)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: %w", ListPath, err)
	}
	return create(r, File{ListPath, b})
}

// NoteGroup writes down that install made a group.
func NoteGroup(root, group string) error {
	r, err := os.OpenRoot(root)
	if err != nil {
		return fmt.Errorf("open %s: %w", root, err)
	}
	defer r.Close()
	l, err := readList(r)
	if err != nil {
		return err
	}
	l.Group = group
	return l.write(r)
}
