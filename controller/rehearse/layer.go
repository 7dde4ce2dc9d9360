package rehearse

import (
	"fmt"
	"os"
	"path/filepath"
)

// PackageLayer is the folder that `make setup` fills with the packages that the
// demo and some tests want on a host (nginx, redis-server, postgresql-15), to
// be used as one of [Options].Layers. It is an error that says what to do if it
// is not there.
func PackageLayer() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the package layer: %w", err)
	}
	dir, err := filepath.EvalSymlinks(filepath.Join(cache, "evenkeel", "layer"))
	if err != nil {
		return "", fmt.Errorf("find the package layer: %w; make it with: make setup", err)
	}
	return dir, nil
}
