package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

// Where things are on the host.
const (
	desired = "/etc/evenkeel/desired"
	binary  = "/usr/local/bin/evenkeel"
	played  = "/usr/local/lib/pakashop" // the programs, as the units' ExecStart= names them
)

// unit runs the controller as an installed one would.
const unit = `[Unit]
Description=evenkeel
After=dbus.service

[Service]
Type=notify
ExecStart=` + binary + ` run -f ` + desired + `
Restart=on-failure
StateDirectory=evenkeel
RuntimeDirectory=evenkeel

[Install]
WantedBy=multi-user.target
`

// boot boots the bare host, before anything is shown.
func (s *show) boot(ctx context.Context) error {
	layer := s.Layer
	if layer == "" {
		var err error
		if layer, err = rehearse.PackageLayer(); err != nil {
			return fmt.Errorf("%w: %w", rehearse.ErrUnavailable, err)
		}
	}
	began := time.Now()
	host, err := rehearse.Boot(ctx, rehearse.Options{Name: "pakashop", Layers: []string{layer}})
	if err != nil {
		return err
	}
	s.host = host
	s.title("A disposable host: a real systemd in its own namespaces, booted in %s", time.Since(began).Round(10*time.Millisecond))
	s.say("  It has Debian's nginx, Redis and PostgreSQL installed, and nothing of them runs.")
	return nil
}

// furnish puts on the host what a deployment would.
func (s *show) furnish(ctx context.Context) error {
	built, err := s.build(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(built)
	at := func(path string) string { return filepath.Join(s.host.Root(), path) }
	if err := errors.Join(
		copyFile(s.Evenkeel, at(binary), 0o755),
		os.MkdirAll(at(desired), 0o755),
		os.WriteFile(at("/etc/systemd/system/evenkeel.service"), []byte(unit), 0o644),
	); err != nil {
		return fmt.Errorf("furnish the host: %w", err)
	}
	for _, name := range programs {
		if err := copyFile(filepath.Join(built, name), at(filepath.Join(played, name)), 0o755); err != nil {
			return fmt.Errorf("furnish the host: %w", err)
		}
	}
	if err := os.CopyFS(at(desired), estate{os.DirFS(filepath.Join(s.Examples, "pakashop"))}); err != nil {
		return fmt.Errorf("copy the estate: %w", err)
	}
	return nil
}

// build builds the programs that play the estate's services, into a folder.
func (s *show) build(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "evenkeel-demo-")
	if err != nil {
		return "", err
	}
	argv := []string{"build", "-trimpath", "-o", dir + "/"}
	for _, name := range programs {
		argv = append(argv, "./"+name)
	}
	cmd := exec.CommandContext(ctx, "go", argv...)
	cmd.Dir = filepath.Join(s.Examples, "pakashop")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("build the example services: %w: %s", err, out), os.RemoveAll(dir))
	}
	return dir, nil
}

func copyFile(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
