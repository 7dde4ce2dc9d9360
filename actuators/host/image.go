package host

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
)

// maxProgram bounds the size of a plugin, in bytes.
const maxProgram = 256 << 20

// image is a program that may be executed: argv says how, and path what. It is
// closed after the start.
type image struct {
	path string
	argv []string
	file *os.File // nil for a role
}

// load verifies the program of a plugin. What it refuses is a Refused error.
func load(s Spec, scratch bool) (*image, error) {
	if s.Role != "" {
		// The program that runs now, also when its file was replaced since.
		return &image{path: "/proc/self/exe", argv: []string{os.Args[0], roleArgument, s.Role}}, nil
	}
	f, err := verified(s.Path, s.SHA256, scratch)
	if err != nil {
		return nil, actuators.Errorf(actuators.Refused, "actuator %s: %w", s.Name, err)
	}
	// The descriptor is closed on exec: the new process finds the file by it at
	// the last moment, and does not inherit it.
	return &image{path: fmt.Sprintf("/proc/self/fd/%d", f.Fd()), argv: []string{s.Path}, file: f}, nil
}

func (i *image) Close() error {
	if i.file == nil {
		return nil
	}
	return i.file.Close()
}

// verified copies a program into memory that nobody can change any more, and
// checks there that it is the one. What is on disk may change from then on.
func verified(path, sum string, scratch bool) (*os.File, error) {
	if err := trusted(path, scratch); err != nil {
		return nil, err
	}
	src, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	fi, err := src.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case !fi.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	case fi.Mode().Perm()&0o111 == 0:
		return nil, fmt.Errorf("%s is not executable: chmod +x %s", path, path)
	case fi.Size() > maxProgram:
		return nil, fmt.Errorf("%s has %d bytes: at most %d", path, fi.Size(), maxProgram)
	}
	if err := private(path, fi, scratch); err != nil {
		return nil, err
	}
	return sealed(src, path, sum)
}

func sealed(src io.Reader, path, sum string) (_ *os.File, err error) {
	f, err := memory(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	hash := sha256.New()
	var magic [4]byte
	if _, err := io.ReadFull(src, magic[:]); err != nil || string(magic[:]) != "\x7fELF" {
		return nil, fmt.Errorf("%s is no ELF program: of a script only the script would be verified, not what runs it", path)
	}
	both := io.MultiWriter(f, hash)
	if _, err := both.Write(magic[:]); err != nil {
		return nil, fmt.Errorf("copy %s: %w", path, err)
	}
	if _, err := io.Copy(both, io.LimitReader(src, maxProgram)); err != nil {
		return nil, fmt.Errorf("copy %s: %w", path, err)
	}
	got := hash.Sum(nil)
	want, err := hex.DecodeString(sum)
	if err != nil || subtle.ConstantTimeCompare(got, want) != 1 {
		return nil, fmt.Errorf("%s has the checksum %x, declared is %s: declare the new one if the change is yours", path, got, sum)
	}
	const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return nil, fmt.Errorf("seal the copy of %s: %w", path, err)
	}
	return f, nil
}

// memory makes an anonymous file that may be executed.
func memory(name string) (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	name = name[max(0, len(name)-200):]
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // Linux before 6.3
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, fmt.Errorf("make a memory file: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
