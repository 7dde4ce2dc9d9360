package desired

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// Input is what Compile makes a Set of: objects with their effective values,
// and the one host that they are compiled for.
type Input struct {
	Revision    string
	Environment string
	Host        Host
	Policy      Policy
	Objects     []Object       // of every kind
	Services    []*Service     // the Services among them, each made by Build
	Windows     []ChangeWindow // the ChangeWindows among them, without their services
	Endpoints   []Endpoint     // the Endpoints among them
	Rules       []RuleFile     // of the AlertRules among them
	Runbooks    []Runbook      // the Runbooks among them
	// Partial says that some objects could not be read, so that a name that is
	// not found is no error yet.
	Partial bool
	// EnvironmentHosts are the matchers of the chosen environment: a host that
	// they do not match runs nothing. Empty: every host.
	EnvironmentHosts []string
	Rollout          Rollout // of the chosen environment
	// Everywhere places every service, whatever its hosts: for looking at an
	// environment as a whole. No host runs such a Set.
	Everywhere bool
}

// Declared is a Service as it was declared, wherever it runs.
type Declared struct {
	Name   string
	Labels map[string]string
	Pos    Pos
	Spec   ServiceSpec
	Texts  []Text // of sources, and where texts in place begin
	Vars   bool   // strings of Spec hold $( and must be expanded
}

// Text is the content of a source.
type Text struct {
	Field     string // that names it: spec.unitFile, spec.files[1]
	Bytes     []byte
	Encrypted bool // not to be read without the host's identity
	From      Pos  // where its first line was written; with a Col, all of it
}

// Compile places services on the host and orders them. Dependencies are checked
// whatever host the services run on; the Set holds those of this one. It is of
// use only where no Finding is an error.
func Compile(in Input) (*Set, []Finding) {
	c := compiler{in: in, labels: hostLabels(in.Host, in.Environment)}
	set := &Set{
		Revision: in.Revision, Environment: in.Environment, Host: in.Host, Policy: in.Policy,
		Objects: slices.Clone(in.Objects), Rollout: in.Rollout,
	}
	slices.SortFunc(set.Objects, func(a, b Object) int {
		if k := strings.Compare(a.Kind, b.Kind); k != 0 {
			return k
		}
		return strings.Compare(a.Metadata.Name, b.Metadata.Name)
	})
	c.index(set.Objects)
	environment, err := ParseAllMatchers(in.EnvironmentHosts)
	if err != nil {
		c.add(Finding{Object: "Environment/" + in.Environment, Field: "spec.hosts", Message: err.Error()})
	}
	member := in.Everywhere || MatchAll(environment, c.labels)
	if !member {
		c.add(Finding{
			Object: "Environment/" + in.Environment, Field: "spec.hosts", Warning: true,
			Message: "this host, " + in.Host.Name + ", does not belong to environment " + in.Environment + ", so nothing runs here",
		})
	}
	var here []*Service
	for _, s := range in.Services {
		if member && c.placed(s) {
			here = append(here, s)
		}
	}
	c.clashes(here)
	set.Services = c.order(here)
	set.Windows = c.windows(here)
	set.Endpoints = c.endpoints()
	set.acted()
	c.alerting(set, member)
	c.ladders(set)
	return set, c.found
}

type compiler struct {
	in       Input
	labels   map[string]string
	known    map[string]bool     // the names of Services and Endpoints
	services map[string]*Service // those that could be built
	names    []string            // known, sorted, once somebody asks
	hints    int
	found    []Finding
}

func (c *compiler) add(f Finding) { c.found = append(c.found, f) }

func (c *compiler) index(objects []Object) {
	c.known, c.services = make(map[string]bool, len(objects)), make(map[string]*Service, len(c.in.Services))
	for _, o := range objects {
		if o.Kind == "Endpoint" || o.Kind == "Service" {
			c.known[o.Metadata.Name] = true
		}
	}
	for _, s := range c.in.Services {
		c.services[s.Name] = s
	}
}

// hostLabels are what hosts matchers see: the host's labels, its name and its
// environment.
func hostLabels(h Host, environment string) map[string]string {
	labels := maps.Clone(h.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels["name"] = h.Name
	if labels["environment"] == "" {
		labels["environment"] = environment
	}
	return labels
}

// placed tells whether a service runs on this host. What its matchers cannot
// mean was found by Check.
func (c *compiler) placed(s *Service) bool {
	if len(s.Spec.Hosts) == 0 || c.in.Everywhere {
		return true
	}
	matchers, err := ParseAllMatchers(s.Spec.Hosts)
	return err == nil && MatchAll(matchers, c.labels)
}

// clashes finds what two services of one host both claim. Where no host is meant,
// only services that every host of the one also runs with the other can clash.
func (c *compiler) clashes(here []*Service) {
	if !c.in.Everywhere {
		c.conflicts(here)
		return
	}
	by := map[string][]*Service{"": nil}
	for _, s := range here {
		key := strings.Join(s.Spec.Hosts, "\x00")
		by[key] = append(by[key], s)
	}
	for _, key := range sorted(by) {
		if together := by[key]; key == "" {
			c.conflicts(together)
		} else {
			c.conflicts(append(slices.Clone(by[""]), together...))
		}
	}
}

// Chooses tells whether matchers of hosts choose the host of the Set, as if it
// belonged to the environment.
func (s *Set) Chooses(hosts []string) bool {
	matchers, err := ParseAllMatchers(hosts)
	return err == nil && MatchAll(matchers, hostLabels(s.Host, s.Environment))
}

// conflicts finds what two services of this host both claim.
func (c *compiler) conflicts(services []*Service) {
	units, files := make(map[string]string, len(services)), make(map[string]string, len(services))
	for _, s := range services {
		for _, u := range s.Units {
			c.claim(units, u, s, "spec.unit", "unit")
		}
		if s.UnitFile != nil {
			c.claim(files, s.UnitFile.Path, s, "spec.unitFile", "file")
		}
		for _, a := range s.DropIns {
			c.claim(files, a.Path, s, "spec.dropIns", "file")
		}
		for _, a := range s.Files {
			c.claim(files, a.Path, s, "spec.files", "file")
		}
		if s.Link != nil {
			c.claim(files, s.Link.Path, s, "spec.release", "link")
		}
	}
}

func (c *compiler) claim(taken map[string]string, name string, s *Service, field, what string) {
	other, ok := taken[name]
	if !ok {
		taken[name] = s.Name
		return
	}
	msg := "the " + what + " " + name + " is declared by Service " + other + " too; each " + what + " belongs to one service"
	if other == s.Name {
		msg = "the " + what + " " + name + " is declared twice"
	}
	c.add(Finding{Object: s.Object(), Field: field, Message: msg})
}

// digestOf names a list of artifacts: paths and contents.
func digestOf(list ...Artifact) string {
	if len(list) == 0 {
		return ""
	}
	h := sha256.New()
	for _, a := range list {
		h.Write([]byte(a.Path + "\x00" + a.Digest + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Digest is how content is named: SHA-256 in hexadecimal, as state.Digest.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	return string(text[:])
}
