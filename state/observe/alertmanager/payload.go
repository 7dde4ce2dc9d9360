package alertmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/pakashop/evenkeel/state"
)

const (
	maxBody       = 1 << 20
	maxAlerts     = 500 // in one payload
	maxLabels     = 64  // of one alert; as many annotations
	maxLabel      = 1 << 10
	maxAnnotation = 4 << 10
)

// Payload is what is read of version 4 of a webhook's body.
type Payload struct {
	Version string  `json:"version"`
	Alerts  []Alert `json:"alerts"`
}

// Alert is one alert of a Payload.
type Alert struct {
	Status      string            `json:"status"` // firing, resolved
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"` // zero while it fires
}

// Read reads a body. All of it is good, or nothing of it is taken.
func Read(body []byte) (Payload, error) {
	var p Payload
	if !utf8.Valid(body) {
		return p, errors.New("the payload is not valid UTF-8")
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return p, fmt.Errorf("read the payload: %w", err)
	}
	switch {
	case p.Version != "4":
		return p, fmt.Errorf("the payload is of version %.20q; 4 is read", p.Version)
	case len(p.Alerts) > maxAlerts:
		return p, fmt.Errorf("the payload has %d alerts; at most %d are taken (max_alerts)", len(p.Alerts), maxAlerts)
	}
	for i, a := range p.Alerts {
		if err := a.check(); err != nil {
			return p, fmt.Errorf("alert %d: %w", i+1, err)
		}
	}
	return p, nil
}

func (a Alert) check() error {
	switch {
	case a.Status != "firing" && a.Status != "resolved":
		return fmt.Errorf("its status is %.20q; there are firing and resolved", a.Status)
	case a.Labels["alertname"] == "":
		return errors.New("it has no label alertname")
	case len(a.Labels) > maxLabels || len(a.Annotations) > maxLabels:
		return fmt.Errorf("it has more than %d labels or annotations", maxLabels)
	case longest(a.Labels) > maxLabel || longest(a.Annotations) > maxAnnotation:
		return fmt.Errorf("a label is longer than %d bytes, or an annotation than %d", maxLabel, maxAnnotation)
	}
	return nil
}

func longest(m map[string]string) (n int) {
	for name, value := range m {
		n = max(n, len(name), len(value))
	}
	return n
}

// over tells that the alert has ended at a time.
func (a Alert) over(now time.Time) bool {
	return a.Status == "resolved" || !a.EndsAt.IsZero() && !a.EndsAt.After(now)
}

func (a Alert) active() state.ActiveAlert {
	return state.ActiveAlert{
		ID: state.AlertID(a.Labels), Name: a.Labels["alertname"], Firing: true, Since: a.StartsAt.UTC(),
		Labels: a.Labels, Annotations: a.Annotations,
	}
}
