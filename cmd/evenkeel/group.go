package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// operators is the group whose members may change things over the socket.
const operators = "evenkeel-op"

// Exit codes of groupadd and groupdel that mean that all is well.
const (
	groupThere = 9 // groupadd
	groupGone  = 6 // groupdel
)

// ensureGroup makes a system group below root, and tells whether it was missing.
func ensureGroup(ctx context.Context, root, name string) (made bool, err error) {
	has, err := hasGroup(root, name)
	if has || err != nil {
		return false, err
	}
	argv := []string{"groupadd", "--system", name}
	if root, err = filepath.Abs(root); err != nil {
		return false, fmt.Errorf("make the group %s: %w", name, err)
	}
	if root != "/" { // not every groupadd knows --prefix
		argv = []string{"groupadd", "--system", "--prefix", root, name}
	}
	err = groupTool(ctx, groupThere, argv...)
	return err == nil, err
}

// removeGroup removes a group of this host, if it is there.
func removeGroup(ctx context.Context, name string) (gone bool, err error) {
	has, err := hasGroup("/", name)
	if !has || err != nil {
		return false, err
	}
	err = groupTool(ctx, groupGone, "groupdel", name)
	return err == nil, err
}

// hasGroup reads the file, because only what is in it can be removed from it.
func hasGroup(root, name string) (bool, error) {
	f, err := os.Open(filepath.Join(root, "etc/group"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the group %s: %w", name, err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), name+":") {
			return true, nil
		}
	}
	return false, lines.Err()
}

func groupTool(ctx context.Context, fine int, argv ...string) error {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	var e *exec.ExitError
	if errors.As(err, &e) && e.ExitCode() == fine {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
