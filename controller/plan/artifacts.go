package plan

import (
	"iter"

	"github.com/pakashop/evenkeel/desired"
)

// unitArtifacts are what the units of a service are made of.
func unitArtifacts(s *desired.Service) iter.Seq[*desired.Artifact] {
	return func(yield func(*desired.Artifact) bool) {
		if s.UnitFile != nil && !yield(s.UnitFile) {
			return
		}
		for i := range s.DropIns {
			if !yield(&s.DropIns[i]) {
				return
			}
		}
	}
}

// fileArtifacts are what the processes of a service read.
func fileArtifacts(s *desired.Service) iter.Seq[*desired.Artifact] {
	return func(yield func(*desired.Artifact) bool) {
		for i := range s.Files {
			if !yield(&s.Files[i]) {
				return
			}
		}
	}
}

// artifacts are both.
func artifacts(s *desired.Service) iter.Seq[*desired.Artifact] {
	return func(yield func(*desired.Artifact) bool) {
		for a := range unitArtifacts(s) {
			if !yield(a) {
				return
			}
		}
		for a := range fileArtifacts(s) {
			if !yield(a) {
				return
			}
		}
	}
}
