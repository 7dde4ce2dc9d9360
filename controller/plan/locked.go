package plan

import (
	"slices"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// locked holds a file whose content is not known, because this host cannot decrypt
// it. What lies there stays, and whoever runs, runs on; but nothing is started
// without what it reads.
func (d *draft) locked(sv *service, a desired.Artifact, have state.File) {
	if have.Kind == state.Absent {
		sv.lacks = a.Path
	}
	d.held = append(d.held, state.Held{Object: sv.Object(), Reason: state.Unobserved, Detail: a.Path + ": " + a.Locked})
}

// without holds what would start a process without a file that it reads.
func (s *service) without() []hold {
	if s.lacks == "" {
		return nil
	}
	return []hold{{state.Unobserved, "it would start without " + s.lacks, nil}}
}

// locked tells whether it is not known what a process of the service should have
// read, so that none is stale for it.
func (s *service) locked() bool {
	return slices.ContainsFunc(s.Files, func(a desired.Artifact) bool { return a.Locked != "" })
}
