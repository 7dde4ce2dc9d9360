package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// walk collects the files of one folder of one commit.
type walk struct {
	objects *objects
	limits  Limits
	files   map[string][]byte
	folders int
	listed  int64 // bytes of folders
	total   int64 // bytes of files
}

// oddity is an error: something lies there that is not read.
type oddity struct{ detail string }

func (u *oddity) Error() string { return u.detail }

func oddf(format string, args ...any) error { return &oddity{fmt.Sprintf(format, args...)} }

// errNoPath is of a folder that the commit does not have.
var errNoPath = errors.New("there is no such folder")

// entry is one name in a folder.
type entry struct{ mode, name, id string }

// The modes of what is read; links (120000), submodules (160000) and whatever else
// there is are not.
const (
	modeFile    = "100644"
	modeProgram = "100755"
	modeFolder  = "40000"
	modeLink    = "120000"
	modeGitlink = "160000"
)

// read collects what lies in path, a folder of the tree named id. What lies beside
// it is nobody's business.
func (w *walk) read(id, path string) error {
	if path == "" {
		return w.folder(id, "", 0)
	}
	above := ""
	for part := range strings.SplitSeq(path, "/") {
		entries, err := w.entries(id, above)
		if err != nil {
			return err
		}
		above = join(above, part)
		id = ""
		for _, e := range entries {
			if e.name != part {
				continue
			}
			if e.mode != modeFolder {
				return oddf("%s is %s and must be a folder", quoted(above), kindOf(e.mode))
			}
			id = e.id
		}
		if id == "" {
			return errNoPath
		}
	}
	return w.folder(id, "", 0)
}

func (w *walk) folder(id, path string, depth int) error {
	if depth > w.limits.Depth {
		return oddf("%s lies more than %d folders deep", quoted(path), w.limits.Depth)
	}
	if w.folders++; w.folders > w.limits.Files {
		return &tooMany{w.limits.Files}
	}
	entries, err := w.entries(id, path)
	if err != nil {
		return err
	}
	if len(w.files)+len(entries) > w.limits.Files {
		return &tooMany{w.limits.Files}
	}
	names := make(map[string]string, len(entries))
	for _, e := range entries {
		if err := checkName(e.name, path, names); err != nil {
			return err
		}
		at := join(path, e.name)
		switch e.mode {
		case modeFolder:
			err = w.folder(e.id, at, depth+1)
		case modeFile, modeProgram:
			err = w.file(e.id, at)
		case modeLink:
			err = oddf("%s is a symbolic link: put the file itself there", quoted(at))
		case modeGitlink:
			err = oddf("%s is a submodule, and submodules are not followed: put the files themselves there", quoted(at))
		default:
			err = oddf("%s is %s: only files and folders are read", quoted(at), kindOf(e.mode))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pointer is how a file begins that lies elsewhere, by git-lfs.
const pointer = "version https://git-lfs.github.com/spec/"

func (w *walk) file(id, path string) error {
	o, err := w.objects.child(id, "blob", w.limits.File)
	var large *tooLarge
	if errors.As(err, &large) {
		return fmt.Errorf("%s: %w", quoted(path), err)
	}
	if err != nil {
		return err
	}
	if w.total += int64(len(o.content)); w.total > w.limits.Total {
		return fmt.Errorf("its files: %w", &tooLarge{w.total, w.limits.Total})
	}
	if bytes.HasPrefix(o.content, []byte(pointer)) {
		return oddf("%s is kept by git-lfs, which is not followed: put the file itself there", quoted(path))
	}
	w.files[path] = o.content
	return nil
}

// entries reads the names in a folder.
func (w *walk) entries(id, path string) ([]entry, error) {
	o, err := w.objects.child(id, "tree", maxFolder)
	var large *tooLarge
	if errors.As(err, &large) {
		return nil, fmt.Errorf("the folder %s: %w", quoted(path), err)
	}
	if err != nil {
		return nil, err
	}
	if w.listed += int64(len(o.content)); w.listed > w.limits.Total {
		return nil, fmt.Errorf("its folders: %w", &tooLarge{w.listed, w.limits.Total})
	}
	entries, ok := parseFolder(o.content, len(id)/2)
	if !ok {
		return nil, oddf("the folder %s is broken off", quoted(path))
	}
	return entries, nil
}

// parseFolder takes a tree object apart: MODE blank NAME NUL and the bytes of an ID.
func parseFolder(content []byte, idBytes int) (entries []entry, ok bool) {
	for rest := content; len(rest) > 0; {
		mode, after, ok := bytes.Cut(rest, []byte(" "))
		name, after, ok2 := bytes.Cut(after, []byte{0})
		if !ok || !ok2 || len(after) < idBytes {
			return nil, false
		}
		entries = append(entries, entry{string(mode), string(name), hex.EncodeToString(after[:idBytes])})
		rest = after[idBytes:]
	}
	return entries, true
}

// tooMany is of more files, or folders, than there may be.
type tooMany struct{ limit int }

func (t *tooMany) Error() string { return fmt.Sprintf("it has more than %d files", t.limit) }

// checkName refuses names that mean something else somewhere. Folded are the names
// of the same folder that were seen, without regard to case.
func checkName(name, folder string, folded map[string]string) error {
	at := quoted(join(folder, name))
	switch {
	case name == "" || name == "." || name == ".." || strings.EqualFold(name, ".git"):
		return oddf("%s: a file cannot have this name", at)
	case len(name) > 255 || len(folder)+len(name) > 1024:
		return oddf("%s: its name is too long", at)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == '/' || r == '\\' }):
		return oddf("%s: its name has a character that is not allowed in it", at)
	}
	fold := strings.ToLower(strings.ToUpper(name))
	if other, twin := folded[fold]; twin {
		return oddf("%s and %s differ in nothing but upper and lower case: rename one", at, quoted(other))
	}
	folded[fold] = name
	return nil
}

func kindOf(mode string) string {
	switch mode {
	case modeFile, modeProgram:
		return "a file"
	case modeFolder:
		return "a folder"
	case modeLink:
		return "a symbolic link"
	case modeGitlink:
		return "a submodule"
	}
	return "of mode " + plain(mode, 16)
}

func join(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

func quoted(path string) string {
	if path == "" {
		return "at the top"
	}
	return fmt.Sprintf("%q", plain(path, 120))
}
