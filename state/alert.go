package state

import (
	"maps"
	"slices"
	"time"
)

// Alerts are what one source of alerts says: a rule of evenkeel's own evaluation, a
// Prometheus, an Alertmanager. Where the source cannot be asked the Fact has an Err,
// and nothing is done, and nothing counts as over.
type Alerts struct {
	Active []ActiveAlert `json:"active,omitempty"` // by ID
}

// ActiveAlert is one alert that is active, as Prometheus means it.
type ActiveAlert struct {
	ID          string            `json:"id"`   // a digest of Labels, ten characters
	Name        string            `json:"name"` // its label alertname
	Firing      bool              `json:"firing"`
	Since       time.Time         `json:"since"` // when it became active
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`

	// Blind says why it is no ground for a change: it rests on data that are absent,
	// or on a target that cannot be read. It is shown all the same.
	Blind string `json:"blind,omitempty"`
}

// AlertID names an alert by its labels.
func AlertID(labels map[string]string) string {
	var text []byte
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		text = append(append(append(append(text, name...), 0), labels[name]...), 0)
	}
	return Digest(text)[:10]
}

// Equal tells whether two are the same in everything.
func (a Alerts) Equal(b Alerts) bool { return slices.EqualFunc(a.Active, b.Active, ActiveAlert.Equal) }

// Equal tells whether two are the same in everything.
func (a ActiveAlert) Equal(b ActiveAlert) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Firing == b.Firing && a.Since.Equal(b.Since) && a.Blind == b.Blind &&
		maps.Equal(a.Labels, b.Labels) && maps.Equal(a.Annotations, b.Annotations)
}

// QueryResult is what an expression in PromQL says: a `when`, or the `verify` of a rung.
// It is dated with the oldest of the data that it rests on, and unknown where there
// are none.
type QueryResult struct {
	Yes  bool   `json:"yes"`            // its result is not empty; a scalar: it is not 0
	Says string `json:"says,omitempty"` // the result in a few words
}
