package git

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
)

// revert takes back what lies between the last good commit and the bad one.
func (p *place) revert(ctx context.Context, w wish, preview bool) (actuators.Result, error) {
	h, err := p.look(ctx, w)
	if err != nil {
		return actuators.Result{}, err
	}
	if res, ok := h.done(w); ok {
		return res, nil
	}
	line, err := h.undo(w)
	if err != nil {
		return actuators.Result{}, err
	}
	if preview {
		return actuators.Result{Changed: true, Detail: "revert " + what(line) + " on " + w.branch}, nil
	}
	id, err := p.make(ctx, w, h, line)
	if err != nil {
		return actuators.Result{}, err
	}
	res := actuators.Result{
		Changed: true, Detail: fmt.Sprintf("reverted %s on %s by %s", what(line), w.branch, brief(id)),
		Data: map[string]string{"branch": w.branch, "commit": id, "reverts": strconv.Itoa(len(line))},
	}
	switch how, err := p.put(ctx, w.branch, h.head, id); how {
	case accepted:
		return res, nil
	case moved, lost:
		return p.again(ctx, w, how, id, res, err)
	case protected:
		return p.forPull(ctx, w, id, res, err)
	default:
		return actuators.Result{}, err
	}
}

// what names the commits that are taken back.
func what(line []commit) string {
	text := fmt.Sprintf("%q (%s)", short(line[0].subject, 80), brief(line[0].id))
	if n := len(line) - 1; n > 0 {
		text += fmt.Sprintf(" and %d before it", n)
	}
	return text
}

// make stores the commit. It is not pushed yet.
func (p *place) make(ctx context.Context, w wish, h history, line []commit) (string, error) {
	text, err := object(w, h.good.tree, h.head, message(w, line))
	if err != nil {
		return "", err
	}
	id, err := p.git(ctx, text, "hash-object", "-t", "commit", "-w", "--stdin")
	if err != nil {
		return "", p.plain(ctx, err)
	}
	return strings.TrimSpace(id), nil
}

// done says what a request came to that was carried out before, by whomever.
func (h history) done(w wish) (actuators.Result, bool) {
	c, pull, ok := h.already(w)
	if !ok {
		return actuators.Result{}, false
	}
	by := "somebody"
	if c.bears(w.key) {
		by = "evenkeel"
	}
	res := actuators.Result{
		Detail: fmt.Sprintf("%s was reverted on %s already, by %s with %s", brief(w.commit), w.branch, by, brief(c.id)),
		Data:   map[string]string{"branch": w.branch, "commit": c.id},
	}
	if pull {
		res.Detail = fmt.Sprintf("the revert of %s lies on %s already, for a pull request to %s", brief(w.commit), pullBranch(w.commit), w.branch)
		res.Data["branch"], res.Data["pullRequest"] = pullBranch(w.commit), "needed"
	}
	return res, true
}

// again looks at what came of a push that was not acknowledged, or came too late.
func (p *place) again(ctx context.Context, w wish, how answered, id string, res actuators.Result, cause error) (actuators.Result, error) {
	unknown := func(err error) (actuators.Result, error) {
		return actuators.Result{}, actuators.Errorf(actuators.Unknown, "the push of %s was not acknowledged (%w), and what came of it cannot be seen: %w", brief(id), cause, err)
	}
	h, err := p.look(ctx, w)
	if err != nil {
		if how == moved {
			return actuators.Result{}, cause // it was not moved by us, that much is known
		}
		return unknown(err)
	}
	// Also a push that came too late may be one of ours that came twice: libcurl
	// sends again what a server hung up on.
	if c, _, ok := h.already(w); ok && c.id == id {
		res.Detail += "; the acknowledgement was lost"
		return res, nil
	}
	if res, ok := h.done(w); ok {
		return res, nil
	}
	if _, err := h.undo(w); err != nil {
		return actuators.Result{}, err
	}
	if how == moved {
		return actuators.Result{}, cause
	}
	return actuators.Result{}, actuators.Errorf(actuators.Unknown, "the push of %s was not acknowledged (%w), and is not to be seen yet", brief(id), cause)
}

// forPull pushes the commit to where people make a pull request of it.
func (p *place) forPull(ctx context.Context, w wish, id string, res actuators.Result, why error) (actuators.Result, error) {
	branch := pullBranch(w.commit)
	res.Detail = fmt.Sprintf("%v; the revert lies on %s, for a pull request", why, branch)
	res.Data["branch"], res.Data["pullRequest"] = branch, "needed"
	switch how, err := p.put(ctx, branch, "", id); how {
	case accepted:
		return res, nil
	case moved, lost:
		return p.again(ctx, w, how, id, res, err)
	default:
		return actuators.Result{}, actuators.Errorf(actuators.Refused, "%w; and %w", why, err)
	}
}
