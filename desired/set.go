package desired

// Set is what one host is held to: every object with its effective values, and
// the services that run here, compiled and in the order in which they start.
type Set struct {
	Revision    string    `json:"revision"` // a commit, or the digest of a folder's content
	Environment string    `json:"environment,omitempty"`
	Host        Host      `json:"host"`
	Policy      Policy    `json:"policy"`
	Objects     []Object  `json:"objects"`  // all of them, by kind and name
	Services    []Service `json:"services"` // placed on this host; what others depend on comes first, ties by name

	Rollout Rollout `json:"rollout,omitzero"`

	Windows   []ChangeWindow `json:"windows,omitempty"`   // by name
	Endpoints []Endpoint     `json:"endpoints,omitempty"` // by name
	Caches    []Cache        `json:"caches,omitempty"`    // by name
	Databases []Database     `json:"databases,omitempty"` // by name
	Actuators []Actuator     `json:"actuators,omitempty"` // by name

	Rules    []RuleFile `json:"rules,omitempty"`    // by name
	Targets  []Target   `json:"targets,omitempty"`  // by job and instance
	Runbooks []Runbook  `json:"runbooks,omitempty"` // by name
}

// Service is a Service as this host runs it.
//
// Spec.Boot is empty only where the unit's file is not ours and nobody declared
// it: then it counts as enabled if the host's unit has an [Install] section, and
// as ignored if not. Where Template is set, probes, metrics and remedies keep
// $(instance) as it was written: it is another for each of the Units.
type Service struct {
	Name         string            `json:"name"`
	Labels       map[string]string `json:"labels,omitempty"`
	Pos          Pos               `json:"-"`
	Spec         ServiceSpec       `json:"spec"`               // effective, variables expanded, sensitive content left out
	Units        []string          `json:"units"`              // the units to run: one, or x@1…x@N
	Spare        []string          `json:"spare,omitempty"`    // the instances up to the most that replicas allows, which run where it is scaled
	Template     string            `json:"template,omitempty"` // x@.service where Units are its instances
	Install      *Install          `json:"install,omitempty"`  // of the declared unit file; nil: the file is not ours
	UnitFile     *Artifact         `json:"unitFile,omitempty"`
	DropIns      []Artifact        `json:"dropIns,omitempty"`
	Files        []Artifact        `json:"files,omitempty"`
	Link         *Link             `json:"link,omitempty"`         // to the release that should be current; nil: none is declared
	Probes       []Probing         `json:"probes,omitempty"`       // of its units
	Targets      []Target          `json:"targets,omitempty"`      // where metrics of its units are read
	SpareTargets []Target          `json:"spareTargets,omitempty"` // the same of Spare, and where it is declared stopped: read while they run
	Folders      []string          `json:"-"`                      // see DropInFolders; empty: not worked out

	// Requires and Follows name Services of this Set: those that must be ready
	// before, and those that are merely started before. Outside names Endpoints
	// that it requires.
	Requires []string `json:"requires,omitempty"`
	Follows  []string `json:"follows,omitempty"`
	Outside  []string `json:"outside,omitempty"`

	// UnitDigest names what the unit is made of (unit file and drop-ins),
	// FilesDigest what the process reads. Empty: nothing is declared.
	UnitDigest  string `json:"unitDigest,omitempty"`
	FilesDigest string `json:"filesDigest,omitempty"`
}

// Object is the name by which steps and holds speak of the service.
func (s Service) Object() string { return "Service/" + s.Name }

// Artifacts are all files of the service: its unit file, its drop-ins, and what its
// processes read.
func (s Service) Artifacts() []Artifact {
	all := make([]Artifact, 0, 1+len(s.DropIns)+len(s.Files))
	if s.UnitFile != nil {
		all = append(all, *s.UnitFile)
	}
	return append(append(all, s.DropIns...), s.Files...)
}

// Install is what the declared unit file says that matters to planning.
type Install struct {
	Present bool     `json:"present"`        // it has an [Install] section that enables something
	Type    string   `json:"type,omitempty"` // Type=
	Remain  bool     `json:"remain,omitempty"`
	Aliases []string `json:"aliases,omitempty"`
}

// Artifact is a file as it should lie on the host. Where the content belongs to
// the host, a zero Mode and an empty Owner or Group mean "as it is".
type Artifact struct {
	Path      string `json:"path"`
	Content   []byte `json:"-"` // nil where Host
	Digest    string `json:"digest,omitempty"`
	Mode      uint32 `json:"mode"`
	Owner     string `json:"owner"`
	Group     string `json:"group"`
	Host      bool   `json:"host,omitempty"`      // the content belongs to the host
	Sensitive bool   `json:"sensitive,omitempty"` // never shown
	From      Pos    `json:"-"`                   // where its first line was written; with a Col, all of it

	// Sealed is the content as it lies in git, encrypted for this host. Only root
	// on the host can decrypt it; until then Content and Digest are empty, and
	// Locked says why. See Unlock.
	Sealed []byte     `json:"-"`
	Locked string     `json:"locked,omitempty"` // why its content is not known, as in "it is encrypted, and …"; empty: it is
	Within *Expansion `json:"-"`                // what variables in it mean; nil: none are replaced
}

// Expansion is what it takes to replace the variables of a content that is not
// known yet.
type Expansion struct {
	Object   string // the service's name
	Instance string
	Many     bool // it is one file for many instances
	Vars     Vars
}

// Service finds a service of this host by its name.
func (s *Set) Service(name string) (*Service, bool) {
	for i := range s.Services {
		if s.Services[i].Name == name {
			return &s.Services[i], true
		}
	}
	return nil, false
}

// Content finds a declared file by the digest of its content.
func (s *Set) Content(digest string) (*Artifact, bool) {
	for i := range s.Services {
		for j := range s.Services[i].Files {
			if a := &s.Services[i].Files[j]; a.Digest == digest && !a.Host {
				return a, true
			}
		}
	}
	return nil, false
}

// Artifact finds what should lie at a path, and whose it is.
func (s *Set) Artifact(path string) (*Artifact, *Service, bool) {
	for i := range s.Services {
		svc := &s.Services[i]
		if svc.UnitFile != nil && svc.UnitFile.Path == path {
			return svc.UnitFile, svc, true
		}
		for _, list := range [][]Artifact{svc.DropIns, svc.Files} {
			for j := range list {
				if list[j].Path == path {
					return &list[j], svc, true
				}
			}
		}
	}
	return nil, nil, false
}
