package rehearse

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// networkUp brings the loopback up, and eth0 with its address if there is one.
// It runs inside the host's network namespace.
func networkUp(address string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := linkUp(fd, "lo"); err != nil || address == "" {
		return err
	}
	ip, subnet, err := net.ParseCIDR(address)
	if err != nil {
		return err
	}
	if err := setAddress(fd, "eth0", unix.SIOCSIFADDR, ip.To4()); err != nil {
		return err
	}
	if err := setAddress(fd, "eth0", unix.SIOCSIFNETMASK, net.IP(subnet.Mask)); err != nil {
		return err
	}
	return linkUp(fd, "eth0")
}

func linkUp(fd int, name string) error {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, req); err != nil {
		return fmt.Errorf("read the flags of %s: %w", name, err)
	}
	req.SetUint16(req.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

func setAddress(fd int, name string, what uint, ip net.IP) error {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := req.SetInet4Addr(ip); err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, what, req); err != nil {
		return fmt.Errorf("set the address of %s: %w", name, err)
	}
	return nil
}
