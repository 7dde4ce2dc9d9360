package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	mirrorName = "mirror"
	asideName  = "aside-"
	maxPacks   = 40 // that a mirror may have gathered before they are made one
	lookEvery  = 50 * time.Millisecond
)

func (m *Mirror) mirror() string { return filepath.Join(m.options.Folder, mirrorName) }

// prepare makes the folder of the mirror, and clears away what a process that was
// killed left in it. The folder is ours; what git writes to lies in it, so that
// nobody but us can swap it.
func (m *Mirror) prepare(s *session) error {
	dir := m.options.Folder
	mode := fs.FileMode(0o700)
	if s.who != nil {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return fmt.Errorf("make the folder of the mirror: %w", err)
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("make the folder of the mirror: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil || !fi.IsDir() || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("the folder of the mirror, %s, must be a folder of the user whom evenkeel runs as: remove it, it is made anew", dir)
	}
	if err := os.Chmod(dir, mode); err != nil {
		return fmt.Errorf("make the folder of the mirror: %w", err)
	}
	if err := reaches(s.who, dir); err != nil {
		return err
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the folder of the mirror: %w", err)
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), asideName) {
			_ = os.RemoveAll(filepath.Join(dir, n.Name()))
		}
	}
	return nil
}

// bring fetches into the mirror and has it used. If anything is wrong with it, all
// is done again in a new one that is made aside, which takes its place if nothing
// is wrong there. What is refused is refused from either.
func (m *Mirror) bring(ctx context.Context, s *session, r remote, specs []string, use func(repository string) error) error {
	err := m.again(ctx, s, r, specs, use)
	var refused *Refused
	if err == nil || errors.As(err, &refused) || ctx.Err() != nil {
		return m.plainly(ctx, s, r, err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		m.options.Log.Warn("the mirror of the git remote is no good and is made anew", "folder", m.mirror(), "why", err.Error())
	}
	aside, err := os.MkdirTemp(m.options.Folder, asideName)
	if err != nil {
		return fmt.Errorf("make a mirror: %w", err)
	}
	defer os.RemoveAll(aside)
	if err := give(aside, s.who); err != nil {
		return fmt.Errorf("make a mirror: %w", err)
	}
	if err := m.afresh(ctx, s, r, aside, specs); err != nil {
		return m.plainly(ctx, s, r, err)
	}
	if err := use(aside); err != nil {
		return m.plainly(ctx, s, r, err)
	}
	return swap(aside, m.mirror())
}

// again brings an old mirror up to date and uses it.
func (m *Mirror) again(ctx context.Context, s *session, r remote, specs []string, use func(repository string) error) error {
	dir := m.mirror()
	if err := clear(dir); err != nil {
		return err
	}
	if err := m.fetch(ctx, s, r, dir, specs); err != nil {
		return err
	}
	if err := use(dir); err != nil {
		return err
	}
	m.tidy(ctx, s, dir)
	return nil
}

// clear takes away packs that were never finished. Whoever git runs as can put links
// into the mirror; none of them leads out of it here.
func clear(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left, err := fs.Glob(root.FS(), "objects/pack/tmp_*")
	for _, name := range left {
		err = errors.Join(err, root.Remove(name))
	}
	return err
}

// afresh makes a mirror in an empty folder.
func (m *Mirror) afresh(ctx context.Context, s *session, r remote, dir string, specs []string) error {
	args := []string{"init", "--bare", "--quiet", "--template="}
	if s.format != "" {
		args = append(args, "--object-format="+s.format)
	}
	if _, err := s.command("", append(args, "--", dir)...).run(ctx); err != nil {
		return err
	}
	return m.fetch(ctx, s, r, dir, specs)
}

// fetch brings refs into a mirror, and ends git if the mirror outgrows its limit.
func (m *Mirror) fetch(ctx context.Context, s *session, r remote, dir string, specs []string) error {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-gc", "--update-shallow", "--prune", "--force", "--", r.url}
	return s.watched(ctx, dir, s.command(dir, append(args, specs...)...))
}

// watched runs what makes a mirror grow.
func (s *session) watched(ctx context.Context, dir string, c command) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if total, _ := sizeOf(dir); total > s.limits.Disk {
					cancel(errOutgrown)
				}
			}
		}
	}()
	_, err := c.run(ctx)
	close(done)
	<-watched
	if err != nil {
		what := troubleOf(ctx, err)
		if _, largest := sizeOf(dir); what == corrupt && largest >= s.limits.Pack {
			what = outgrown // whoever wrote it was ended by the limit, and git does not say so
		}
		return &during{trouble: what, err: err}
	}
	if total, _ := sizeOf(dir); total > s.limits.Disk {
		return &during{trouble: outgrown, err: errOutgrown}
	}
	return nil
}

// during is what went wrong while a mirror grew.
type during struct {
	trouble trouble
	err     error
}

func (d *during) Error() string { return d.err.Error() }
func (d *during) Unwrap() error { return d.err }

// sizeOf is how many bytes the files of a folder have, all and the largest.
func sizeOf(dir string) (total, largest int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it has gone meanwhile
		}
		if fi, err := d.Info(); err == nil && fi.Mode().IsRegular() {
			total += fi.Size()
			largest = max(largest, fi.Size())
		}
		return nil
	})
	return total, largest
}

// plainly makes what went wrong with a mirror that is as good as new the remote's.
func (m *Mirror) plainly(ctx context.Context, s *session, r remote, err error) error {
	var refused *Refused
	var d *during
	if err == nil || errors.As(err, &refused) {
		return err
	}
	if !errors.As(err, &d) {
		d = &during{trouble: troubleOf(ctx, err), err: err}
	}
	ref := m.options.Branch
	if ref == "" {
		ref = r.url
	}
	switch d.trouble {
	case outgrown:
		l := s.limits
		return &Refused{Kind: TooLarge, Ref: ref, Detail: fmt.Sprintf("what %s sends takes more than git may use here (%d MiB of memory, %d of disk, %d of one file, %v): %v", r, l.Memory>>20, l.Disk>>20, l.Pack>>20, l.Time, d.err)}
	case corrupt:
		return &Refused{Kind: Damaged, Ref: ref, Detail: fmt.Sprintf("what %s sends is damaged: %v; run git fsck there", r, d.err)}
	}
	if errors.Is(err, errMissing) {
		return &Refused{Kind: Damaged, Ref: ref, Detail: fmt.Sprintf("what %s sends is damaged: %v; run git fsck there", r, d.err)}
	}
	return s.unanswered(ctx, d.err)
}

// tidy makes one pack of many. Nothing depends on it.
func (m *Mirror) tidy(ctx context.Context, s *session, dir string) {
	s.repack(ctx, dir, maxPacks, m.options.Log)
}

func (s *session) repack(ctx context.Context, dir string, most int, log *slog.Logger) {
	packs, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.pack"))
	if err != nil || len(packs) <= most {
		return
	}
	if err := s.watched(ctx, dir, s.command(dir, "repack", "-a", "-d", "-q")); err != nil {
		log.Warn("cannot make one pack of the mirror's many", "folder", dir, "error", err)
	}
}

// swap puts a new mirror in the place of the old one, at once.
func swap(aside, mirror string) error {
	err := unix.Renameat2(unix.AT_FDCWD, aside, unix.AT_FDCWD, mirror, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.ENOENT) {
		err = os.Rename(aside, mirror)
	} else if err != nil {
		// A file system that cannot exchange: for a moment there is none.
		if err := os.RemoveAll(mirror); err != nil {
			return fmt.Errorf("put the new mirror in its place: %w", err)
		}
		err = os.Rename(aside, mirror)
	}
	if err != nil {
		return fmt.Errorf("put the new mirror in its place: %w", err)
	}
	return nil
}
