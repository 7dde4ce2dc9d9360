package sealed

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"filippo.io/age"
)

// Identity decrypts. One that cannot says why.
type Identity struct {
	path string
	keys []age.Identity
	why  string // it has no keys; as in "it is encrypted, and …"
}

// maxIdentity bounds the file: it holds a few lines.
const maxIdentity = 64 << 10

// ReadIdentity reads the file that policy names: one that others can read, or
// could have written, is refused. Without a path there is none. What is wrong with
// it stops nothing that does not need it, and is told where something does.
func ReadIdentity(path string) Identity {
	id := Identity{path: path}
	if path == "" {
		id.why = "the host's policy names no identity to decrypt it with; write there identity: FILE, made with age-keygen -o FILE"
		return id
	}
	keys, err := readIdentity(path)
	if err != nil {
		id.why = "the identity that policy names cannot be used: " + err.Error()
		return id
	}
	id.keys = keys
	return id
}

func readIdentity(path string) ([]age.Identity, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0) // a pipe must not make us wait
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no %s", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("only root can read %s", path)
	case err != nil:
		return nil, err
	}
	defer f.Close()
	if err := private(f, path); err != nil {
		return nil, err
	}
	keys, err := age.ParseIdentities(io.LimitReader(f, maxIdentity))
	if err != nil {
		// The error may quote a line, and each may be a key.
		return nil, fmt.Errorf("%s holds no age identities, as age-keygen makes them", path)
	}
	return keys, nil
}

// private refuses what others can read or may have written.
func private(f *os.File, path string) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	switch {
	case !fi.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	case !ok || st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return fmt.Errorf("%s does not belong to root: chown root %s", path, path)
	case fi.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s is open to others than root (mode %04o): chmod 600 %s", path, fi.Mode().Perm(), path)
	}
	return nil
}

// errOthers says that a file was not encrypted for this identity.
var errOthers = errors.New("encrypted for others")

// open decrypts.
func (id Identity) open(b []byte) ([]byte, error) {
	r, err := age.Decrypt(unarmored(b), id.keys...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, errOthers
	}
	if err != nil {
		return nil, errDamaged
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxContent+1))
	switch {
	case err != nil:
		return nil, errDamaged
	case len(plain) > maxContent:
		return nil, errors.New("what is decrypted is larger than 1 MiB")
	}
	return plain, nil
}

var errDamaged = errors.New("it is damaged, or was changed by somebody: it cannot be decrypted; encrypt it again")
