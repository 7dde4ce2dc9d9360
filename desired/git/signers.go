package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// signers are whom this host trusts, as git is told of them.
type signers struct {
	asked bool
	ssh   string // lines for ssh-keygen, of those who may sign now
	pgp   string // armored public keys
	gpg   string // the program, if there are such keys
}

// copySigners reads the operator's file. Nobody but root may have had a hand in it.
func (s *session) copySigners(file string) (signers, error) {
	if file == "" {
		return signers{}, nil
	}
	content, err := trusted(file)
	if err != nil {
		return signers{}, fmt.Errorf("read the allowed signers: %w", err)
	}
	k, err := parseSigners(string(content), time.Now())
	if err != nil {
		return signers{}, fmt.Errorf("read the allowed signers in %s: %w", file, err)
	}
	if err := s.file("allowed_signers", []byte(k.ssh)); err != nil {
		return signers{}, fmt.Errorf("copy the allowed signers: %w", err)
	}
	if k.pgp == "" {
		return k, nil
	}
	if k.gpg, err = find("gpg"); err != nil {
		return signers{}, fmt.Errorf("%s has OpenPGP keys: %w", file, err)
	}
	// Whoever is in the file is trusted: there is no web of trust, no server of
	// keys, no daemon.
	const conf = "batch\nno-autostart\ntrust-model always\nno-auto-key-retrieve\nauto-key-locate local\nno-greeting\n"
	for _, step := range []func() error{
		func() error { return s.folder("gnupg") },
		func() error { return s.file("gnupg/gpg.conf", []byte(conf)) },
		func() error { return s.file("keys.asc", []byte(k.pgp)) },
	} {
		if err := step(); err != nil {
			return signers{}, fmt.Errorf("copy the allowed signers: %w", err)
		}
	}
	return k, nil
}

// settings tell git by what to judge. What is not in the file cannot be good.
func (k signers) settings(s *session) []setting {
	gpg, ssh := "/bin/false", "/dev/null"
	if k.gpg != "" {
		gpg = k.gpg
	}
	if k.asked {
		ssh = s.path("allowed_signers")
	}
	return []setting{{"gpg.program", gpg}, {"gpg.openpgp.program", gpg}, {"gpg.ssh.program", "ssh-keygen"}, {"gpg.ssh.allowedSignersFile", ssh}}
}

const (
	pgpBegin = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	pgpEnd   = "-----END PGP PUBLIC KEY BLOCK-----"
)

// parseSigners takes the file apart. git asks ssh-keygen whether a key was valid
// at the time that the commit itself names: who has a key that expired could just
// name an earlier one. So lines that are not valid now are left out, as gpg
// does with its keys.
func parseSigners(text string, now time.Time) (signers, error) {
	k := signers{asked: true}
	var ssh, pgp strings.Builder
	inside := false
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == pgpBegin && !inside:
			inside = true
		case inside && trimmed == pgpEnd:
			inside = false
			pgp.WriteString(pgpEnd + "\n")
			continue
		case strings.HasPrefix(trimmed, "-----"):
			return k, fmt.Errorf("%q has no place here: OpenPGP keys are exported by: gpg --armor --export WHO", plain(trimmed, 60))
		}
		if inside {
			pgp.WriteString(trimmed + "\n")
			continue
		}
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		valid, err := validNow(trimmed, now)
		if err != nil {
			return k, err
		}
		if valid {
			ssh.WriteString(trimmed + "\n")
		}
	}
	k.ssh, k.pgp = ssh.String(), pgp.String()
	if inside {
		return k, errors.New("an OpenPGP key has no end")
	}
	if k.ssh == "" && k.pgp == "" {
		return k, errors.New("nobody is in it who may sign now: a line is NAME TYPE KEY, as in: ada@example.com ssh-ed25519 AAAA…")
	}
	return k, nil
}

var (
	keyType    = lazily(`[ \t]((?:sk-)?(?:ssh|ecdsa)-[0-9A-Za-z@.-]+)[ \t]+[0-9A-Za-z+/=]+`)
	validAt    = lazily(`(?i)valid-(after|before)="?([0-9]+)(Z?)"?(?:[,\s]|$)`)
	validWords = lazily(`(?i)valid-(after|before)`)
)

// validNow tells whether a line names who may sign at this time.
func validNow(line string, now time.Time) (bool, error) {
	at := keyType().FindStringSubmatchIndex(line)
	if at == nil {
		return false, fmt.Errorf("the line %q has no key: a line is NAME TYPE KEY, as in: ada@example.com ssh-ed25519 AAAA…", plain(line, 60))
	}
	options := line[:at[0]]
	found := validAt().FindAllStringSubmatch(options, -1)
	if len(found) != len(validWords().FindAllString(options, -1)) {
		return false, fmt.Errorf("the line %q: valid-after and valid-before are times like 20261128 or 202611280300Z", plain(line, 60))
	}
	for _, f := range found {
		zone := time.Local
		if f[3] != "" {
			zone = time.UTC
		}
		layout := "20060102150405"
		if n := len(f[2]); n == 8 || n == 12 || n == 14 {
			layout = layout[:n]
		}
		t, err := time.ParseInLocation(layout, f[2], zone)
		if err != nil {
			return false, fmt.Errorf("the line %q: valid-%s is no time: %w", plain(line, 60), f[1], err)
		}
		if after := strings.EqualFold(f[1], "after"); after && now.Before(t) || !after && !now.Before(t) {
			return false, nil
		}
	}
	return true, nil
}

// trusted reads a file that nobody could have written to but root and whom this
// process runs as.
func trusted(name string) ([]byte, error) {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, err
	}
	for dir := name; ; dir = filepath.Dir(dir) {
		fi, err := os.Lstat(dir)
		if err != nil {
			return nil, err
		}
		st, ok := fi.Sys().(*syscall.Stat_t)
		if !ok || st.Uid != 0 && int(st.Uid) != os.Geteuid() {
			return nil, fmt.Errorf("%s must be root's: chown root %s", dir, dir)
		}
		if fi.Mode().Perm()&0o022 != 0 && (dir == name || fi.Mode()&fs.ModeSticky == 0) {
			return nil, fmt.Errorf("%s can be written by others: chmod go-w %s", dir, dir)
		}
		if dir == "/" {
			return readPlain(name)
		}
	}
}
