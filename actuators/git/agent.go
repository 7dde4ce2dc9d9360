package git

import (
	"errors"
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"
)

// agent signs for ssh, so that the key lies in no file.
type agent struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	over  bool
}

func newAgent(path, key string) (*agent, error) {
	if _, err := signer(key, "git-ssh-key"); err != nil {
		return nil, err
	}
	raw, err := ssh.ParseRawPrivateKey([]byte(key + "\n"))
	if err != nil {
		return nil, errors.New("git-ssh-key cannot be read")
	}
	ring := sshagent.NewKeyring()
	if err := ring.Add(sshagent.AddedKey{PrivateKey: raw}); err != nil {
		return nil, errors.New("git-ssh-key is of a kind that cannot be used")
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	a := &agent{listener: l}
	a.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil || !a.serve(c, ring) {
				return
			}
		}
	})
	return a, nil
}

// serve answers one connection; false: it is over.
func (a *agent) serve(c net.Conn, ring sshagent.Agent) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		c.Close()
		return false
	}
	a.conns = append(a.conns, c)
	a.wg.Go(func() {
		defer c.Close()
		_ = sshagent.ServeAgent(ring, c) // until ssh has had enough
	})
	return true
}

func (a *agent) path() string { return a.listener.Addr().String() }

func (a *agent) close() {
	a.listener.Close()
	a.mu.Lock()
	a.over = true
	for _, c := range a.conns {
		c.Close()
	}
	a.mu.Unlock()
	a.wg.Wait()
}
