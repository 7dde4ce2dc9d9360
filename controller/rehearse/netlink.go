package rehearse

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// attr is one attribute of a netlink message, with its header.
func attr(kind uint16, data []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofRtAttr+len(data)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), data...)
	for len(b)%unix.RTA_ALIGNTO != 0 {
		b = append(b, 0)
	}
	return b
}

func textAttr(kind uint16, s string) []byte { return attr(kind, append([]byte(s), 0)) }

func numberAttr(kind uint16, n uint32) []byte {
	return attr(kind, binary.NativeEndian.AppendUint32(nil, n))
}

// link is the head of each message about a link; up brings it up.
func link(index int, up bool) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	if up {
		binary.NativeEndian.PutUint32(b[8:], unix.IFF_UP)
		binary.NativeEndian.PutUint32(b[12:], unix.IFF_UP)
	}
	return b
}

// peerAttr is VETH_INFO_PEER of linux/veth.h, which x/sys does not name.
const peerAttr = 1

func addBridge(name string) error {
	info := attr(unix.IFLA_LINKINFO, textAttr(unix.IFLA_INFO_KIND, "bridge"))
	return request("make bridge "+name, unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL,
		link(0, true), textAttr(unix.IFLA_IFNAME, name), info)
}

// addPair makes a veth pair: one end on the bridge, the other, eth0, in the
// network namespace of a process.
func addPair(name string, bridge, pid int) error {
	peer := append(link(0, false), textAttr(unix.IFLA_IFNAME, "eth0")...)
	peer = append(peer, numberAttr(unix.IFLA_NET_NS_PID, uint32(pid))...)
	info := append(textAttr(unix.IFLA_INFO_KIND, "veth"), attr(unix.IFLA_INFO_DATA, attr(peerAttr, peer))...)
	return request("make link "+name, unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL,
		link(0, true), textAttr(unix.IFLA_IFNAME, name), numberAttr(unix.IFLA_MASTER, uint32(bridge)), attr(unix.IFLA_LINKINFO, info))
}

// removeLink removes a link; one that is not there is removed already.
func removeLink(name string) error {
	found, err := net.InterfaceByName(name)
	if err != nil {
		return nil
	}
	err = request("remove link "+name, unix.RTM_DELLINK, 0, link(found.Index, false))
	if errors.Is(err, unix.ENODEV) {
		return nil // the kernel took it away meanwhile, with the namespace of its other end
	}
	return err
}

// request sends one message to the kernel and waits for its yes or no.
func request(what string, kind, flags uint16, parts ...[]byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer unix.Close(fd)
	m := make([]byte, unix.SizeofNlMsghdr)
	for _, p := range parts {
		m = append(m, p...)
	}
	binary.NativeEndian.PutUint32(m, uint32(len(m)))
	binary.NativeEndian.PutUint16(m[4:], kind)
	binary.NativeEndian.PutUint16(m[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	if err := unix.Sendto(fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := acknowledged(fd); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func acknowledged(fd int) error {
	answer := make([]byte, 8192)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	switch {
	case err != nil:
		return err
	case n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR:
		return errors.New("the kernel's answer is not understood")
	}
	if code := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
		return unix.Errno(uint32(-code))
	}
	return nil
}
