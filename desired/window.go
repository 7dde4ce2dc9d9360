package desired

import (
	"maps"
	"slices"
	"strings"
)

// ChangeWindow is a recurring span of time in which changes are allowed, or are
// not, and the services of this host that it speaks of.
type ChangeWindow struct {
	Name     string           `json:"name"`
	Spec     ChangeWindowSpec `json:"spec"`
	Services []string         `json:"services,omitempty"` // by name; where Spec.Match is empty it speaks of every service
}

// Covers tells whether the window speaks of a service. What is no longer
// declared has no labels: only windows without matchers cover it.
func (w ChangeWindow) Covers(service string) bool {
	return len(w.Spec.Match) == 0 || slices.Contains(w.Services, service)
}

// windows finds out of which services each change window speaks, and warns of
// restarts that wait for a window which nobody declares.
func (c *compiler) windows(here []*Service) []ChangeWindow {
	all := slices.Clone(c.in.Windows)
	slices.SortFunc(all, func(a, b ChangeWindow) int { return strings.Compare(a.Name, b.Name) })
	open := make(map[string]bool) // services that some window allows to change
	for i := range all {
		w := &all[i]
		matchers, err := ParseAllMatchers(w.Spec.Match)
		if err != nil {
			continue // Check has said so
		}
		for _, s := range c.in.Services {
			if !MatchAll(matchers, s.matchable()) {
				continue
			}
			open[s.Name] = open[s.Name] || w.Spec.Allow
			if slices.Contains(here, s) && len(matchers) > 0 {
				w.Services = append(w.Services, s.Name)
			}
		}
	}
	if !c.in.Partial {
		for _, s := range c.in.Services {
			if !open[s.Name] {
				c.waitsInVain(s)
			}
		}
	}
	return all
}

// matchable are the labels that matchers see: a service's own, and its name.
func (s *Service) matchable() map[string]string {
	labels := maps.Clone(s.Labels)
	if labels == nil {
		labels = make(map[string]string, 1)
	}
	labels["name"] = s.Name
	return labels
}

func (c *compiler) waitsInVain(s *Service) {
	on := s.Spec.RestartOn
	if on == nil {
		return
	}
	for _, cause := range []struct{ name, when string }{
		{"unit", on.Unit}, {"files", on.Files}, {"watch", on.Watch}, {"executable", on.Executable},
	} {
		if cause.when != Window {
			continue
		}
		field := "spec.restartOn." + cause.name
		c.add(Finding{
			Object: s.Object(), Field: field, Warning: true,
			Message: field + ": no ChangeWindow with allow: true matches this service, so that a restart waits for a human",
		})
	}
}
