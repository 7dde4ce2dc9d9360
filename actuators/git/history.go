package git

import (
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
)

// commit is what is known of one.
type commit struct {
	id      string
	parents []string
	tree    string
	mail    string // of its author
	subject string
	message string
	before  bool // only a parent of what was asked for
}

// history is what a branch has become since the last good commit.
type history struct {
	head  string
	since []commit // all that the branch has and the last good commit has not
	good  commit   // the last good commit itself
	pull  *commit  // where a revert for a pull request lies, if one does
}

// trailer names the effect of a request in a commit's message.
const trailer = "Evenkeel-Key: "

var (
	keyLine    = lazily(`(?m)^[ \t]*` + trailer + `(.*?)\s*$`)
	revertLine = lazily(`(?i)\breverts commit ([0-9a-f]{7,64})\b`)
	revertHead = lazily(`^(Revert|Reapply) "`)
)

// bears tells whether a commit has the trailer with a key.
func (c commit) bears(key string) bool {
	for _, m := range keyLine().FindAllStringSubmatch(c.message, -1) {
		if m[1] == key {
			return true
		}
	}
	return false
}

// takesBack tells whether a commit says that it reverts another one.
func (c commit) takesBack(id string) bool {
	for _, m := range revertLine().FindAllStringSubmatch(c.message, -1) {
		if strings.HasPrefix(id, strings.ToLower(m[1])) {
			return true
		}
	}
	return false
}

// isRevert tells whether a commit is a revert by what it says of itself, or was
// made by an evenkeel.
func (c commit) isRevert() bool {
	return revertHead().MatchString(c.subject) || revertLine().MatchString(c.message) || keyLine().MatchString(c.message)
}

// already finds the commit that did what a request asks: on the branch, or where
// it waits for a pull request.
func (h history) already(w wish) (c commit, pull, ok bool) {
	done := func(c commit) bool { return c.bears(w.key) || c.takesBack(w.commit) }
	for _, c := range h.since {
		if done(c) {
			return c, false, true
		}
	}
	if h.pull != nil && done(*h.pull) {
		return *h.pull, true, true
	}
	return commit{}, false, false
}

// line is the commits from the head of the branch back to the last good one, by
// first parents: what was pushed or merged, one step each, the newest first.
// false: the last good commit does not lie on it.
func (h history) line(base string) (line []commit, ok bool) {
	by := make(map[string]commit, len(h.since))
	for _, c := range h.since {
		by[c.id] = c
	}
	for at := h.head; at != base; at = line[len(line)-1].parents[0] {
		c, ok := by[at]
		if !ok || len(c.parents) == 0 {
			return nil, false
		}
		line = append(line, c)
	}
	return line, true
}

// undo finds what a revert would take back, the newest first, or says why there
// must be none.
func (h history) undo(w wish) ([]commit, error) {
	line, ok := h.line(w.base)
	if !ok {
		return nil, actuators.Errorf(actuators.Refused, "the last good commit %s does not lie on the line of first parents of %s; revert it by hand", brief(w.base), w.branch)
	}
	var bad *commit
	for i, c := range line {
		if c.id == w.commit {
			bad = &line[i]
		}
	}
	if bad == nil {
		return nil, actuators.Errorf(actuators.Conflict, "%s is at %s, and %s does not lie between that and the last good commit %s", w.branch, brief(h.head), brief(w.commit), brief(w.base))
	}
	for _, c := range h.upTo(w.commit) {
		if c.isRevert() {
			return nil, actuators.Errorf(actuators.Refused, "%s (%q) is itself a revert, and a revert is never reverted; what is to become of %s is for people to say", brief(c.id), short(c.subject, 80), w.branch)
		}
	}
	if others := authors(line, bad.mail); len(others) >= 2 {
		return nil, actuators.Errorf(actuators.Refused, "since the last good commit %s there are commits by %d others than the author of %s: %s; what to revert is theirs to say",
			brief(w.base), len(others), brief(w.commit), short(strings.Join(others, ", "), 200))
	}
	if h.head != w.commit {
		return nil, actuators.Errorf(actuators.Conflict, "%s has moved on from %s to %s", w.branch, brief(w.commit), brief(h.head))
	}
	return line, nil
}

// upTo is the part of what there is since the last good commit that a commit
// brought with it, itself included.
func (h history) upTo(id string) []commit {
	in := map[string]bool{id: true}
	for again := true; again; { // parents mostly come later in the list
		again = false
		for _, c := range h.since {
			for _, parent := range c.parents {
				if in[c.id] && !in[parent] {
					in[parent], again = true, true
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(h.since), func(c commit) bool { return !in[c.id] })
}

// authors lists whose commits there are, but for one, each once.
func authors(line []commit, but string) []string {
	var all []string
	seen := map[string]bool{strings.ToLower(but): true}
	for _, c := range line {
		if mail := strings.ToLower(c.mail); !seen[mail] {
			seen[mail] = true
			all = append(all, c.mail)
		}
	}
	return all
}
