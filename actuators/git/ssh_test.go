package git

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/pakashop/evenkeel/actuators"
)

// newKey makes a private key, as ssh-keygen writes it.
func newKey(t testing.TB, passphrase string) (text string, public ssh.PublicKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, key, passphrase)
}

func written(t testing.TB, key any, passphrase string) (text string, public ssh.PublicKey) {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "canary")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "canary", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(pem.EncodeToMemory(block)), "\n"), s.PublicKey()
}

// sshServer is a server that runs git for whoever has a key. It stands in for
// sshd, which does not run without a host around it; ssh and git are real.
type sshServer struct {
	address string
	known   string // a line of known_hosts
	wg      sync.WaitGroup
}

func serveSSH(t testing.TB, client ssh.PublicKey, path string) *sshServer {
	t.Helper()
	hostKey, public := newKey(t, "")
	host, err := ssh.ParsePrivateKey([]byte(hostKey))
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(client.Marshal()) {
			return nil, errors.New("who is that?")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sshServer{address: l.Addr().String()}
	_, port, _ := net.SplitHostPort(s.address)
	s.known = fmt.Sprintf("[127.0.0.1]:%s %s", port, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))))
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.talk(c, config, path) })
		}
	})
	t.Cleanup(func() { l.Close(); s.wg.Wait() })
	return s
}

func (s *sshServer) talk(c net.Conn, config *ssh.ServerConfig, path string) {
	defer c.Close()
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return // it does not like us, or we do not like it
	}
	defer conn.Close()
	s.wg.Go(func() { ssh.DiscardRequests(requests) })
	for n := range channels {
		ch, asked, err := n.Accept()
		if err != nil {
			return
		}
		for r := range asked {
			if r.Type != "exec" {
				_ = r.Reply(false, nil)
				continue
			}
			var what struct{ Command string }
			_ = ssh.Unmarshal(r.Payload, &what)
			_ = r.Reply(true, nil)
			s.wg.Go(func() { run(ch, what.Command, path) })
		}
	}
}

// run runs a command as sshd would.
func run(ch ssh.Channel, command, path string) {
	defer ch.Close()
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Env = []string{"PATH=" + path + ":" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "HOME=/"}
	in, err := cmd.StdinPipe()
	if err != nil {
		return
	}
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	if cmd.Start() != nil {
		return
	}
	go func() { _, _ = io.Copy(in, ch); in.Close() }() // ends with the channel
	status := struct{ Status uint32 }{}
	if err := cmd.Wait(); err != nil {
		status.Status = 1
	}
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(status))
}

func TestBySSH(t *testing.T) {
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	key, public := newKey(t, "")
	other, _ := newKey(t, "")
	locked, _ := newKey(t, "secret")
	server := serveSSH(t, public, "")
	_, port, _ := net.SplitHostPort(server.address)
	url := "ssh://git@" + server.address + s.repo
	stranger := serveSSH(t, public, "")
	for name, tt := range map[string]struct {
		key, known string
		kind       actuators.Kind
		says       string
	}{
		"no key":                  {"", server.known, actuators.Refused, "does not accept git-ssh-key, or there is none"},
		"another key":             {other, server.known, actuators.Refused, "does not accept git-ssh-key"},
		"a key that is none":      {"canary", server.known, actuators.Refused, "git-ssh-key is no private key of SSH"},
		"a key with a passphrase": {locked, server.known, actuators.Refused, "git-ssh-key has a passphrase"},
		"an unknown server":       {key, "", actuators.Refused, "the server's key is not among git-known-hosts"},
		"another server's key":    {key, "[127.0.0.1]:" + port + strings.TrimPrefix(stranger.known, strings.Fields(stranger.known)[0]), actuators.Refused, "the server's key is not among git-known-hosts"},
	} {
		t.Run(name, func(t *testing.T) {
			c := told(url)
			c.Credentials = Credentials{SSHKey: tt.key, KnownHosts: tt.known, Token: "tokencanary"}
			_, err := New("1").Apply(t.Context(), revert(c, good, bad))
			if err == nil || actuators.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v: %v; want %v that says %q", actuators.KindOf(err), err, tt.kind, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("it tells a secret: %v", err)
			}
		})
	}
	c := told(url)
	c.Credentials = Credentials{SSHKey: key, KnownHosts: server.known}
	r := revert(c, good, bad)
	if res := apply(t, New("1"), r); !res.Changed || s.head("production") != res.Data["commit"] {
		t.Errorf("%+v", res)
	}
	if res := apply(t, New("1"), r); res.Changed {
		t.Errorf("again: %+v", res)
	}
}

func TestALostAcknowledgementBySSH(t *testing.T) {
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	if err := os.WriteFile(filepath.Join(s.dir, "git-receive-pack"), []byte(pushed), 0o755); err != nil {
		t.Fatal(err)
	}
	key, public := newKey(t, "")
	server := serveSSH(t, public, s.dir)
	c := told("ssh://git@" + server.address + s.repo)
	c.Credentials = Credentials{SSHKey: key, KnownHosts: server.known}
	r := revert(c, good, bad)
	if res := apply(t, New("1"), r); !res.Changed || !strings.HasSuffix(res.Detail, "; the acknowledgement was lost") {
		t.Errorf("%+v", res)
	}
	checkOnce(t, s, New("1"), r, bad)
}

// Our commits are signed with a key that git and ssh-keygen know, and the same
// request makes the same commit.
func TestSignedReverts(t *testing.T) {
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	small, smallPublic := newKey(t, "")
	rsaText, rsaPublic := written(t, large, "")
	for name, tt := range map[string]struct {
		key    string
		public ssh.PublicKey
	}{"ed25519": {small, smallPublic}, "rsa": {rsaText, rsaPublic}} {
		t.Run(name, func(t *testing.T) {
			s, good := newServer(t)
			bad := s.commit("production", "ada", "Bad", "unit", "bad")
			signers := filepath.Join(s.dir, "signers")
			if err := os.WriteFile(signers, []byte(`evenkeel@app-1 namespaces="git" `+string(ssh.MarshalAuthorizedKey(tt.public))), 0o644); err != nil {
				t.Fatal(err)
			}
			c := told(s.url())
			c.Credentials.SigningKey = tt.key
			var made []string
			for range 2 {
				s.git("update-ref", "refs/heads/production", bad)
				made = append(made, apply(t, New("1"), revert(c, good, bad)).Data["commit"])
			}
			if made[0] != made[1] {
				t.Errorf("the same request makes %s", made)
			}
			s.git("config", "gpg.ssh.allowedSignersFile", signers)
			s.git("verify-commit", made[0])
			if got := s.git("log", "-1", "--format=%G? %GS", made[0]); got != "G evenkeel@app-1" {
				t.Errorf("git says of the signature %q", got)
			}
			s.git("fsck", "--strict")
			if res := apply(t, New("1"), revert(c, good, bad)); res.Changed {
				t.Errorf("again: %+v", res)
			}
		})
	}
	s, good := newServer(t)
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	locked, _ := newKey(t, "secret")
	for key, says := range map[string]string{locked: "git-signing-key has a passphrase", "canary": "git-signing-key is no private key of SSH"} {
		c := told(s.url())
		c.Credentials.SigningKey = key
		fails(t, New("1"), revert(c, good, bad), actuators.Refused, says)
	}
}

// A repository with IDs of sha256 is as good.
func TestSHA256(t *testing.T) {
	s, _ := newServer(t)
	s.repo = filepath.Join(s.dir, "256.git")
	s.run(s.dir, "", "init", "--quiet", "--bare", "--object-format=sha256", s.repo)
	good := s.commit("production", "ada", "Good", "unit", "good")
	bad := s.commit("production", "ada", "Bad", "unit", "bad")
	key, public := newKey(t, "")
	signers := filepath.Join(s.dir, "signers")
	if err := os.WriteFile(signers, []byte("evenkeel@app-1 "+string(ssh.MarshalAuthorizedKey(public))), 0o644); err != nil {
		t.Fatal(err)
	}
	c := told(s.url())
	c.Credentials.SigningKey = key
	res := apply(t, New("1"), revert(c, good, bad))
	s.git("config", "gpg.ssh.allowedSignersFile", signers)
	s.git("verify-commit", "production")
	if len(res.Data["commit"]) != 64 || s.git("diff", "--stat", good, "production") != "" {
		t.Errorf("%+v", res)
	}
}
