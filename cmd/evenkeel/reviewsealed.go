package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/controller/review"
	"github.com/pakashop/evenkeel/desired"
)

// sealed names what encrypted sources hold, by digest. Nobody can read them here,
// and who changes one changes what a host will write.
func (r revision) sealed(set *desired.Set) map[review.Sealed]string {
	all := map[review.Sealed]string{}
	if set == nil {
		return all
	}
	for _, o := range set.Objects {
		var spec desired.ServiceSpec
		if o.Kind != "Service" || json.Unmarshal(o.Spec, &spec) != nil {
			continue
		}
		for i, f := range spec.Files {
			if !strings.HasSuffix(f.Source, ".age") {
				continue
			}
			// A source is named relative to the file in which it is named.
			written := fileOf(o.Origin["spec.files["+strconv.Itoa(i)+"].source"])
			if written == "" {
				written = o.Pos.File
			}
			if b, err := r.file(path.Join(path.Dir(written), f.Source)); err == nil {
				all[review.Sealed{Object: o.Ref(), Path: f.Path}] = desired.Digest(b)
			}
		}
	}
	return all
}

// fileOf is the file of file:line:col; empty for another origin.
func fileOf(origin string) string {
	parts := strings.Split(origin, ":")
	if len(parts) < 3 {
		return ""
	}
	return strings.Join(parts[:len(parts)-2], ":")
}

func (r revision) file(name string) ([]byte, error) {
	if r.fsys == nil {
		return os.ReadFile(name)
	}
	return fs.ReadFile(r.fsys, name)
}
