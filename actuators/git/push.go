package git

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
)

// push moves a branch on to a commit that the remote has. It goes forward only:
// who follows the branch would refuse anything else.
func (p *place) push(ctx context.Context, w wish, preview bool) (actuators.Result, error) {
	if done, err := p.ready(ctx, w); err != nil || done {
		return actuators.Result{Detail: fmt.Sprintf("%s is at %s already", w.branch, brief(w.commit))}, err
	}
	res := actuators.Result{
		Changed: true, Detail: fmt.Sprintf("moved %s from %s to %s", w.branch, brief(w.expect), brief(w.commit)),
		Data: map[string]string{"branch": w.branch, "commit": w.commit},
	}
	if w.expect == "" {
		res.Detail = fmt.Sprintf("made %s at %s", w.branch, brief(w.commit))
	}
	if preview {
		return res, nil
	}
	how, cause := p.put(ctx, w.branch, w.expect, w.commit)
	switch how {
	case accepted:
		return res, nil
	case moved, lost:
		switch done, err := p.ready(ctx, w); {
		case err != nil && how == lost:
			return actuators.Result{}, actuators.Errorf(actuators.Unknown, "the push was not acknowledged (%w), and what came of it cannot be seen: %w", cause, err)
		case err != nil:
			return actuators.Result{}, err
		case done && how == lost:
			res.Detail += "; the acknowledgement was lost"
			return res, nil
		case done:
			return actuators.Result{Detail: fmt.Sprintf("%s is at %s already", w.branch, brief(w.commit))}, nil
		case how == lost:
			return actuators.Result{}, actuators.Errorf(actuators.Unknown, "the push was not acknowledged (%w), and is not to be seen yet", cause)
		}
	}
	return actuators.Result{}, cause
}

// ready fetches all branches and holds them against a request: done, or why it
// must not be.
func (p *place) ready(ctx context.Context, w wish) (done bool, err error) {
	const heads = "refs/evenkeel/heads/"
	for _, depth := range depths {
		if err := p.fetch(ctx, depth, "--prune", "+refs/heads/*:"+heads+"*"); err != nil {
			return false, err
		}
		switch at := p.ref(heads + w.branch); {
		case at == w.commit:
			return true, nil
		case at != w.expect && at == "":
			return false, actuators.Errorf(actuators.Conflict, "there is no branch %s", w.branch)
		case at != w.expect:
			return false, actuators.Errorf(actuators.Conflict, "%s is at %s", w.branch, brief(at))
		}
		all, err := p.git(ctx, "", "rev-list", "--glob="+heads)
		if err != nil {
			return false, p.plain(ctx, err)
		}
		has := slices.Contains(strings.Fields(all), w.commit)
		if has && w.expect != "" {
			// It is asked of commits that are there: nothing is fetched for it.
			all, err = p.git(ctx, "", "rev-list", w.commit)
			if err != nil {
				return false, p.plain(ctx, err)
			}
			has = slices.Contains(strings.Fields(all), w.expect)
		}
		if has {
			return false, nil
		}
		cut, err := p.cut()
		if err != nil {
			return false, actuators.Errorf(actuators.Failed, "read what was fetched: %w", err)
		}
		if len(cut) == 0 {
			break
		}
	}
	return false, actuators.Errorf(actuators.Refused, "%s does not lie on a branch of the remote, or does not descend from %s: a branch is only moved forward", brief(w.commit), brief(w.expect))
}
