package git

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// parseCommit takes a commit object apart. The second result is its tree.
func parseCommit(o object) (Commit, string, error) {
	c := Commit{ID: o.id}
	head, message, ok := strings.Cut(string(o.content), "\n\n")
	if !ok {
		head = strings.TrimSuffix(head, "\n")
	}
	lines := strings.Split(head, "\n")
	tree, ok := strings.CutPrefix(lines[0], "tree ")
	if o.kind != "commit" || !ok || !isID(tree) {
		return Commit{}, "", errors.New("it is no commit")
	}
	// Parents follow the tree at once; whatever looks like one further down is not.
	lines = lines[1:]
	for len(lines) > 0 {
		parent, ok := strings.CutPrefix(lines[0], "parent ")
		if !ok {
			break
		}
		if !isID(parent) {
			return Commit{}, "", errors.New("its parent is no commit")
		}
		c.Parents = append(c.Parents, parent)
		lines = lines[1:]
	}
	for _, line := range lines {
		if who, ok := strings.CutPrefix(line, "author "); ok && c.Author == "" {
			c.Author, _ = person(who)
		}
		if who, ok := strings.CutPrefix(line, "committer "); ok && c.Time.IsZero() {
			_, c.Time = person(who)
		}
	}
	subject, _, _ := strings.Cut(strings.TrimLeft(message, "\n"), "\n")
	c.Subject = plain(subject, 200)
	return c, tree, nil
}

// person is "NAME <ADDRESS> SECONDS ZONE".
func person(text string) (name string, at time.Time) {
	end := strings.LastIndexByte(text, '>')
	if end < 0 {
		return plain(text, 200), time.Time{}
	}
	words := strings.Fields(text[end+1:])
	if len(words) > 0 {
		if seconds, err := strconv.ParseInt(words[0], 10, 48); err == nil && seconds >= 0 {
			at = time.Unix(seconds, 0).UTC()
		}
	}
	return plain(text[:end+1], 200), at
}

// isID tells whether a text is the whole name of an object.
func isID(text string) bool {
	if len(text) != 40 && len(text) != 64 {
		return false
	}
	return strings.Trim(text, "0123456789abcdef") == ""
}
