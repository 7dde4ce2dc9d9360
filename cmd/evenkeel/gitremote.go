package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os/user"

	"github.com/pakashop/evenkeel/actuators/git"
	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/desired"
)

// The credentials that git may need, by the names of their files in the host's
// folders of credentials. None of them must be there.
const (
	gitSSHKey     = "git-ssh-key"
	gitKnownHosts = "git-known-hosts"
	gitToken      = "git-token"
	gitSigningKey = "git-signing-key"
)

// gitUser is whom git runs as: the user evenkeel where an administrator made one
// for it, who then owns nothing else on this host.
func gitUser() string {
	if _, err := user.Lookup("evenkeel"); err == nil {
		return "evenkeel"
	}
	return "nobody"
}

// gitRemote is what the actuator git is told when it acts: the remotes that are
// followed, in their order, and the credentials as they are then. It gets their
// contents, because it runs as a user who must not be able to read the files.
func gitRemote(remotes []string, host string, secret controller.Secret) controller.Remote {
	return func(ctx context.Context) ([]byte, error) {
		told := git.Content{Remotes: remotes, Author: git.Author{Name: "evenkeel", Email: "evenkeel@" + host}}
		for name, at := range map[string]*string{
			gitSSHKey: &told.Credentials.SSHKey, gitKnownHosts: &told.Credentials.KnownHosts,
			gitToken: &told.Credentials.Token, gitSigningKey: &told.Credentials.SigningKey,
		} {
			value, err := secret(ctx, desired.Secret{FromCredential: name})
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			*at = value
		}
		return json.Marshal(told)
	}
}
