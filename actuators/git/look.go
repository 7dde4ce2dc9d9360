package git

import (
	"context"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
)

// What is fetched lies under these refs of ours.
const (
	headRef = "refs/evenkeel/head"
	pullRef = "refs/evenkeel/pull"
)

// depths are how much of the history is fetched, one after the other, until the
// last good commit and all that came after it is there. What was in the files is
// not fetched at all (partialCloneFilter), where the server knows how.
var depths = []string{"--depth=50", "--depth=1000", "--unshallow"}

// pullBranch is where a revert waits for a pull request.
func pullBranch(commit string) string { return "evenkeel/revert-" + brief(commit) }

// look fetches a branch, and reads what has become of it since the last good
// commit.
func (p *place) look(ctx context.Context, w wish) (history, error) {
	for _, depth := range depths {
		err := p.fetch(ctx, depth, "+refs/heads/"+w.branch+":"+headRef, "+refs/heads/"+pullBranch(w.commit)+"*:"+pullRef+"*")
		if err != nil {
			return history{}, err
		}
		cut, err := p.cut()
		if err != nil {
			return history{}, actuators.Errorf(actuators.Failed, "read what was fetched: %w", err)
		}
		all, err := p.git(ctx, "", "rev-list", headRef)
		if err != nil {
			return history{}, p.plain(ctx, err)
		}
		if slices.Contains(strings.Fields(all), w.base) {
			h, err := p.since(ctx, w)
			if err != nil || !slices.ContainsFunc(h.since, func(c commit) bool { return cut[c.id] }) {
				return h, err
			}
		}
		if len(cut) == 0 {
			break // there is no more of it
		}
	}
	return history{}, actuators.Errorf(actuators.Conflict, "%s does not descend from the last good commit %s any more", w.branch, brief(w.base))
}

// fetch brings refs of the remote under names of ours.
func (p *place) fetch(ctx context.Context, depth string, refs ...string) error {
	_, err := p.git(ctx, "", append([]string{"fetch", "--quiet", "--no-write-fetch-head", "--no-auto-maintenance", depth, "origin"}, refs...)...)
	if err != nil {
		return p.plain(ctx, err)
	}
	return nil
}

// since reads what was fetched. The last good commit is there.
func (p *place) since(ctx context.Context, w wish) (h history, err error) {
	h.head = p.ref(headRef)
	all, err := p.commits(ctx, "--topo-order", "--boundary", h.head, "^"+w.base)
	if err != nil {
		return history{}, err
	}
	for _, c := range all {
		switch {
		case c.id == w.base:
			h.good = c
		case !c.before:
			h.since = append(h.since, c)
		}
	}
	if pull := p.ref(pullRef); pull != "" {
		if all, err = p.commits(ctx, "--no-walk", pull); err != nil {
			return history{}, err
		}
		h.pull = &all[0]
	}
	return h, nil
}

// commits reads commits that are there.
func (p *place) commits(ctx context.Context, args ...string) ([]commit, error) {
	text, err := p.git(ctx, "", append([]string{"log", "-z", "--no-show-signature", "--format=%m%x00%H%x00%P%x00%T%x00%ae%x00%s%x00%B"}, args...)...)
	if err != nil {
		return nil, p.plain(ctx, err)
	}
	var all []commit
	for f := strings.Split(text, "\x00"); len(f) > 7; f = f[7:] {
		all = append(all, commit{before: f[0] == "-", id: f[1], parents: strings.Fields(f[2]), tree: f[3], mail: f[4], subject: f[5], message: f[6]})
	}
	return all, nil
}
