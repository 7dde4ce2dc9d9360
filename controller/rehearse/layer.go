package rehearse

import (
	"fmt"
	"os"
	"path/filepath"
)

// PackageLayer is the folder that `make setup` fills with the packages that the
// demo and some tests want on a host (nginx, redis-server, postgresql-15, pgbouncer), to
// be used as one of [Options].Layers. It is an error that says what to do if it
// is not there.
func PackageLayer() (string, error) { return Layer("layer") }

// Layer is a folder of packages that was made under a name of its own, as
// PackageLayer is: "ssh" has openssh-server.
func Layer(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the layer of packages: %w", err)
	}
	dir, err := filepath.EvalSymlinks(filepath.Join(cache, "evenkeel", name))
	if err != nil {
		return "", fmt.Errorf("find the layer of packages: %w; make it with: make setup", err)
	}
	return dir, nil
}
