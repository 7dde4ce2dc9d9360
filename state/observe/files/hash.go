package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ErrTooLarge says that a file is larger than what is hashed.
var ErrTooLarge = errors.New("the file is larger than the limit")

// errMoving says that a file changed while it was read.
var errMoving = errors.New("the file keeps changing while it is read")

// attempts is how often a file that changes under the reader is begun again.
const attempts = 3

// hash reads a regular file and returns the digest of its content with the
// stamp that belongs to it.
func hash(ctx context.Context, path string, limit int64) (string, stamp, error) {
	for range attempts {
		f, before, err := openRegular(path)
		if err != nil {
			return "", stamp{}, err
		}
		digest, after, err := hashOpen(ctx, f, before, limit)
		_ = f.Close() // only read from
		if err != nil {
			return "", stamp{}, fmt.Errorf("read %s: %w", path, err)
		}
		if before == after {
			return digest, after, nil
		}
	}
	return "", stamp{}, fmt.Errorf("read %s: %w", path, errMoving)
}

// openRegular opens a file that is nothing but a regular file: between lstat
// and here a FIFO, a device or a link may have taken its place, and opening one
// of those could hang or have an effect.
func openRegular(path string) (*os.File, stamp, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := openQuietly(path, flags)
	if err != nil {
		return nil, stamp{}, fmt.Errorf("open %s: %w", path, err)
	}
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
		_ = unix.Close(fd)
		return nil, stamp{}, fmt.Errorf("look at %s: %w", path, err)
	}
	s := stampOf(&st)
	if s.kind() != unix.S_IFREG {
		_ = unix.Close(fd)
		return nil, stamp{}, fmt.Errorf("open %s: it is no longer a regular file", path)
	}
	return os.NewFile(uintptr(fd), path), s, nil
}

// openQuietly opens without moving the access time, where the kernel lets us:
// a dry run leaves no trace.
func openQuietly(path string, flags int) (int, error) {
	var fd int
	open := func(flags int) error {
		return retry(func() (err error) { fd, err = unix.Open(path, flags, 0); return })
	}
	err := open(flags | unix.O_NOATIME)
	if errors.Is(err, unix.EPERM) {
		err = open(flags)
	}
	return fd, err
}

// hashOpen hashes an open file and stamps it once more at the end.
func hashOpen(ctx context.Context, f *os.File, s stamp, limit int64) (string, stamp, error) {
	if s.size > limit {
		return "", stamp{}, fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(&ctxReader{ctx, f}, limit+1))
	if err != nil {
		return "", stamp{}, err
	}
	if n > limit {
		return "", stamp{}, fmt.Errorf("%w of %d bytes", ErrTooLarge, limit)
	}
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(int(f.Fd()), &st) }); err != nil {
		return "", stamp{}, err
	}
	return hex.EncodeToString(h.Sum(nil)), stampOf(&st), nil
}

// ctxReader stops a long reading when its context ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *ctxReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
