package bus

import (
	"context"
	"strings"
)

// Condition is one condition of a unit, and what came of it when the unit was
// last to be started.
type Condition struct {
	Name    string // ConditionPathExists, …
	Trigger bool   // one of these that is met is enough ("|")
	Negated bool   // "!"
	Value   string
	Result  int32 // above zero: met; below: not met; zero: not looked at
}

// String is the condition as unit files have it.
func (c Condition) String() string {
	s := c.Name + "="
	if c.Trigger {
		s += "|"
	}
	if c.Negated {
		s += "!"
	}
	return s + c.Value
}

// Unmet lists the conditions for which systemd passed over the last start of a
// unit, as unit files have them. There are none where the unit was started, or
// where systemd has forgotten it since.
func (c *Conn) Unmet(ctx context.Context, unit string) ([]string, error) {
	ctx, cancel := c.patience(ctx)
	defer cancel()
	property := func(name string) Property {
		return Property{Path: UnitPath(unit), Interface: UnitInterface, Name: name}
	}
	replies, err := c.Get(ctx, []Property{property("ConditionResult"), property("ConditionTimestamp"), property("Conditions")})
	if err != nil {
		return nil, err
	}
	for _, r := range replies {
		if r.Err != nil {
			return nil, r.Err
		}
	}
	met, _ := replies[0].Value.(bool)
	if at, _ := replies[1].Value.(uint64); met || at == 0 {
		return nil, nil
	}
	all, _ := replies[2].Value.([]Condition)
	return unmet(all), nil
}

// unmet picks the conditions that stand in the way. Triggers do if none of them
// is met. A daemon-reload makes systemd forget which they were: then it is one of
// all.
func unmet(all []Condition) []string {
	var out, triggers, forgotten []string
	triggered := false
	for _, c := range all {
		switch {
		case c.Trigger && c.Result > 0:
			triggered = true
		case c.Trigger && c.Result < 0:
			triggers = append(triggers, c.String())
		case c.Result < 0:
			out = append(out, c.String())
		case c.Result == 0:
			forgotten = append(forgotten, c.String())
		}
	}
	if !triggered {
		out = append(out, triggers...)
	}
	if len(out) == 0 && len(forgotten) > 0 {
		out = []string{strings.Join(forgotten, " or ")}
	}
	return out
}

// signatureConditions is the type of a list of conditions.
const signatureConditions = "a(sbbsi)"

// conditions decodes a list of conditions.
func (c *cursor) conditions() []Condition {
	end := c.array(8)
	var out []Condition
	for c.at < end && !c.bad {
		c.align(8)
		out = append(out, Condition{
			Name: string(c.string()), Trigger: c.uint32() != 0, Negated: c.uint32() != 0, Value: string(c.string()), Result: int32(c.uint32()),
		})
	}
	return out
}
