package git

import (
	"context"
	"errors"
	"strings"
)

// verdicts are what git's one letter for a signature means, other than that it is
// good.
var verdicts = map[string]string{
	"N": "it bears no signature, and policy asks for one: sign it (git commit -S), or say signatures: none in policy",
	"B": "its signature is of something else: it was made for another commit, or the commit was changed afterwards",
	"U": "its signature is of somebody who is not among the allowed signers of this host",
	"E": "its signature is of somebody who is not among the allowed signers of this host, or cannot be checked",
	"X": "its signature has expired: sign it anew",
	"Y": "the key that signed it has expired: sign with one that has not, or put the prolonged key among the allowed signers",
	"R": "the key that signed it is revoked",
}

// verify says whose good signature a commit bears. It is git that judges; a
// signature counts if both of the ways in which it tells its judgement say so.
func (s *session) verify(ctx context.Context, repository, ref, id string) (signer string, err error) {
	if err := s.importKeys(ctx); err != nil {
		return "", err
	}
	answer, err := s.command(repository, "log", "-1", "--no-walk", "--no-color", "--format=%G?%n%GS%n%GK", "--end-of-options", id, "--").run(ctx)
	if err != nil {
		return "", err
	}
	letter, rest, _ := strings.Cut(answer, "\n")
	name, key, _ := strings.Cut(rest, "\n")
	_, err = s.command(repository, "verify-commit", "--", id).run(ctx)
	var f *failure
	if err != nil && (!errors.As(err, &f) || ctx.Err() != nil) {
		return "", err
	}
	if letter == "G" && err == nil {
		return plain(name, 200), nil
	}
	why := verdicts[letter]
	if why == "" {
		why = "its signature is not good"
	}
	if key = plain(key, 80); key != "" && letter != "N" {
		why += " (key " + key + ")"
	}
	return "", &Refused{Kind: Unsigned, Ref: ref, Commit: id, Detail: why}
}

// importKeys gives the operator's OpenPGP keys to gpg, once a session.
func (s *session) importKeys(ctx context.Context) error {
	if s.signers.gpg == "" || s.imported {
		return nil
	}
	if _, err := s.program([]string{s.signers.gpg, "--batch", "--no-autostart", "--quiet", "--import", s.path("keys.asc")}).run(ctx); err != nil {
		var f *failure
		if errors.As(err, &f) && ctx.Err() == nil {
			return errors.New("read the OpenPGP keys of the allowed signers: gpg says: " + said(f.words))
		}
		return err
	}
	s.imported = true
	return nil
}
