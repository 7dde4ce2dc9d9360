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
	source "github.com/pakashop/evenkeel/desired/git"
)

// gitSigningKey is the credential with which evenkeel signs its own commits, beside
// those by which a remote is asked.
const gitSigningKey = "git-signing-key"

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
			source.SSHKey: &told.Credentials.SSHKey, source.KnownHosts: &told.Credentials.KnownHosts,
			source.Token: &told.Credentials.Token, gitSigningKey: &told.Credentials.SigningKey,
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
