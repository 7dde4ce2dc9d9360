package api

import (
	"fmt"
	"net"
	"os/user"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Peer is who is at the other end of a connection, by the kernel's word.
type Peer struct {
	Known bool
	UID   uint32
	PID   int32
}

// Root tells whether the peer is root.
func (p Peer) Root() bool { return p.Known && p.UID == 0 }

// May tells whether the peer may change things: root, or a member of a group.
// A peer that is not known may not.
func (p Peer) May(group string) bool {
	if !p.Known {
		return false
	}
	return p.UID == 0 || member(p.UID, group)
}

func member(uid uint32, group string) bool {
	g, err := user.LookupGroup(group)
	if err != nil {
		return false
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return false
	}
	ids, err := u.GroupIds()
	return err == nil && slices.Contains(ids, g.Gid)
}

func peerOf(c net.Conn) (Peer, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return Peer{}, fmt.Errorf("peer credentials of a %T", c)
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("peer credentials: %w", err)
	}
	var cred *unix.Ucred
	var cerr error
	if err := raw.Control(func(fd uintptr) { cred, cerr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return Peer{}, fmt.Errorf("peer credentials: %w", err)
	}
	if cerr != nil {
		return Peer{}, fmt.Errorf("peer credentials: %w", cerr)
	}
	return Peer{Known: true, UID: cred.Uid, PID: cred.Pid}, nil
}
