package git

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/pakashop/evenkeel/actuators"
)

// sayings are what git, ssh and servers say, and what that means. The first that
// is said counts.
var sayings = []struct {
	says  string
	kind  actuators.Kind
	means string
}{
	{"git: not found", actuators.Unavailable, "git is not installed on this host"},
	{"Host key verification failed", actuators.Refused, "the server's key is not among git-known-hosts"},
	{"HOST IDENTIFICATION HAS CHANGED", actuators.Refused, "the server's key is not among git-known-hosts"},
	{"marked as read only", actuators.Refused, "git-ssh-key may read, and not write"},
	{"Permission denied (", actuators.Refused, "the server does not accept git-ssh-key, or there is none"},
	{"could not read Username", actuators.Refused, "the server wants a git-token, or does not accept the one there is"},
	{"could not read Password", actuators.Refused, "the server wants a git-token, or does not accept the one there is"},
	{"Authentication failed", actuators.Refused, "the server does not accept git-token"},
	{"HTTP Basic: Access denied", actuators.Refused, "the server does not accept git-token"},
	{"returned error: 401", actuators.Refused, "the server does not accept git-token"},
	{"returned error: 403", actuators.Refused, "the credential may not do that (403)"},
	{"returned error: 404", actuators.NotFound, "there is no such repository, or the credential may not see it"},
	{"returned error: 429", actuators.Unavailable, "the server asks to come later (429)"},
	{"returned error: 5", actuators.Unavailable, "the server is in trouble (5xx)"},
	{"couldn't find remote ref", actuators.NotFound, "there is no such branch"},
	{"Repository not found", actuators.NotFound, "there is no such repository, or the credential may not see it"},
	{"does not appear to be a git repository", actuators.NotFound, "there is no such repository, or the credential may not see it"},
	{"' not found", actuators.NotFound, "there is no such repository, or the credential may not see it"},
	{"dubious ownership", actuators.Refused, "the repository belongs to another user"},
	{"certificate", actuators.Refused, "its certificate is not trusted"},
	{"disabled in libcurl", actuators.Refused, "it sends us elsewhere; name where it lies now"},
	{"update url base from redirection", actuators.Refused, "it sends us elsewhere; name where it lies now"},
	{"not allowed", actuators.Refused, "it leads to another kind of remote"},
	{"mismatched algorithms", actuators.Conflict, "its commits have IDs of another kind"},
	{"upload-pack: not our ref", actuators.NotFound, "it does not have the commit"},
	{"No space left", actuators.Failed, "the disk is full"},
	{"File size limit exceeded", actuators.Failed, "there is too much of it"},
	{"too much is there", actuators.Failed, "there is too much of it"},
	{"ut of memory", actuators.Failed, "it takes too much memory"},
	{"mmap failed", actuators.Failed, "it takes too much memory"},
	{"insufficient permission", actuators.Refused, "the user whom git runs as may not write there"},
	{"ermission denied", actuators.Refused, "the user whom git runs as may not do that there"},
	{"resolve host", actuators.Unavailable, "the name of its host cannot be resolved"},
	{"connect to server", actuators.Unavailable, "nobody answers"},
	{"onnection refused", actuators.Unavailable, "nobody answers"},
	{"onnection timed out", actuators.Unavailable, "nobody answers"},
	{"o route to host", actuators.Unavailable, "there is no way to it"},
	{"etwork is unreachable", actuators.Unavailable, "there is no way to it"},
	{"Could not read from remote repository", actuators.Unavailable, "the connection was lost"},
	{"hung up", actuators.Unavailable, "the connection was lost"},
	{"disconnect", actuators.Unavailable, "the connection was lost"},
	{"unable to access", actuators.Unavailable, "the connection was lost, or there was none"},
	{"RPC failed", actuators.Unavailable, "the connection was lost"},
	{"early EOF", actuators.Unavailable, "the connection was lost"},
}

// plain says what went wrong, and of what kind it is. What we do not know it
// says in git's words, without a secret.
func (p *place) plain(ctx context.Context, err error) error {
	var f *failure
	switch {
	case ctx.Err() != nil:
		return actuators.Errorf(actuators.Timeout, "it took too long: %w", ctx.Err())
	case !errors.As(err, &f):
		return err
	case f.late:
		return actuators.Errorf(actuators.Unavailable, "it took longer than %v", longest)
	}
	for _, s := range sayings {
		if strings.Contains(f.words, s.says) {
			return actuators.Errorf(s.kind, "%s", s.means)
		}
	}
	return actuators.Errorf(actuators.Failed, "git says %q", p.secret.line(f.words))
}

// line is the last line that says something, fit for one of history.
func (s secret) line(words string) string {
	last := ""
	for line := range strings.Lines(s.hide(words)) {
		if line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "remote:")); line != "" {
			last = line
		}
	}
	return short(last, 200)
}

// short is a text of one line, and of so many bytes.
func short(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// brief is a commit's ID as people know it.
func brief(id string) string { return id[:min(len(id), 12)] }

// joined are errors on one line.
func joined(errs []error) error {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}
