package git

import (
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
)

// secret takes out of a text of git's or of a server's what must not be told.
type secret struct{ texts []string }

func secretsOf(c Credentials) secret {
	var s secret
	if c.Token != "" {
		user, token := userToken(c.Token)
		for _, text := range []string{c.Token, token, user + ":" + token} {
			s.texts = append(s.texts, text, url.QueryEscape(text), url.PathEscape(text))
			for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				s.texts = append(s.texts, e.EncodeToString([]byte(text)))
			}
		}
	}
	for _, key := range []string{c.SSHKey, c.SigningKey} {
		for line := range strings.Lines(key) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "-----") {
				s.texts = append(s.texts, line)
			}
		}
	}
	return s
}

func (s secret) hide(text string) string {
	for _, one := range s.texts {
		text = strings.ReplaceAll(text, one, "…")
	}
	return text
}

// userToken parts USER:TOKEN. A token alone goes with a name that the well-known
// servers accept with any.
func userToken(text string) (user, token string) {
	if user, token, ok := strings.Cut(text, ":"); ok && user != "" && token != "" {
		return user, token
	}
	return "x-access-token", text
}

// tokenAt is the descriptor by which git and what it starts finds the token.
const tokenAt = 3

// tokenFile holds a token in memory, as git wants to read it.
func tokenFile(text string) (*os.File, error) {
	fd, err := unix.MemfdCreate("evenkeel", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "token")
	user, token := userToken(text)
	if _, err = f.WriteString("username=" + user + "\npassword=" + token + "\n"); err != nil {
		f.Close()
		return nil, err
	}
	return f, f.Chmod(0o400)
}

// signer reads a private key. The error has no part of it.
func signer(key, what string) (ssh.Signer, error) {
	s, err := ssh.ParsePrivateKey([]byte(key + "\n"))
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, actuators.Errorf(actuators.Refused, "%s has a passphrase, and nobody is there to type it", what)
	case err != nil:
		return nil, actuators.Errorf(actuators.Refused, "%s is no private key of SSH", what)
	}
	return s, nil
}
