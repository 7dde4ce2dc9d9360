package displaced

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func newID(at time.Time) (string, error) {
	var b [3]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return at.Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:]), nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// fill writes content to a new file, durably, and proves that it is what it
// should be.
func (s *Store) fill(temp, want string, content io.Reader) (int64, error) {
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(content, s.opt.MaxSize+1))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	if n > s.opt.MaxSize {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, s.opt.MaxSize)
	}
	if hex.EncodeToString(h.Sum(nil)) != want {
		return 0, ErrChanged
	}
	return n, nil
}

// commit gives content and description their names, the description last: a
// copy is there once its description is.
func (s *Store) commit(temp, id string, meta []byte) error {
	tempMeta := temp + metaSuffix
	defer os.Remove(tempMeta) // gone already where all went well
	f, err := os.OpenFile(tempMeta, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(meta)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	name := filepath.Join(s.dir, id)
	if err := os.Rename(temp, name); err != nil {
		return err
	}
	if err := os.Rename(tempMeta, name+metaSuffix); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return syncDir(s.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// prune drops copies that are too old, then the oldest as far as the new one
// needs their room, and now and then what an interrupted Keep left behind. It
// returns the copies that stay.
func (s *Store) prune(old []Copy, c Copy) (rest []Copy, err error) {
	total := c.Size
	for _, o := range old {
		total += o.Size
	}
	for _, o := range old {
		if total <= s.opt.MaxSize && c.At.Sub(o.At) <= s.opt.MaxAge {
			rest = append(rest, o)
			continue
		}
		if err := s.drop(o.ID); err != nil {
			return nil, err
		}
		total -= o.Size
	}
	if since := c.At.Sub(s.swept); since >= 0 && since < again {
		return rest, nil
	}
	s.swept = c.At
	return rest, s.sweep(c)
}

// drop removes a copy, its description first.
func (s *Store) drop(id string) error {
	name := filepath.Join(s.dir, id)
	for _, p := range []string{name + metaSuffix, name} {
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sweep removes temporary files and content without a description, of which
// another process may only just be at work.
func (s *Store) sweep(c Copy) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	described := make(map[string]bool)
	for _, e := range entries {
		described[strings.TrimSuffix(e.Name(), metaSuffix)] = described[strings.TrimSuffix(e.Name(), metaSuffix)] || strings.HasSuffix(e.Name(), metaSuffix)
	}
	for _, e := range entries {
		name := e.Name()
		orphan := validID.MatchString(name) && !described[name]
		if !orphan && !strings.HasPrefix(name, tempPrefix) || strings.Contains(name, c.ID) {
			continue
		}
		if info, err := e.Info(); err != nil || c.At.Sub(info.ModTime()) < again {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// readFile reads a file that must not be longer than limit.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return b, err
}
