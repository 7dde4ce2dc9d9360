package read

import (
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/schedule"
)

// calendar checks what an object says of times: a schedule that never fires, or
// a zone that nobody knows, is told when it is written and not when it is due.
func calendar(object string, spec any) []desired.Finding {
	switch s := spec.(type) {
	case *desired.TaskSpec:
		return times(object, s.Schedule, s.TimeZone)
	case *desired.ChangeWindowSpec:
		return times(object, s.Schedule, s.TimeZone)
	}
	return nil
}

func times(object, expression, zone string) (found []desired.Finding) {
	add := func(field, message string) {
		found = append(found, desired.Finding{Object: object, Field: field, Message: field + ": " + message})
	}
	if _, err := schedule.Zone(zone); err != nil {
		add("spec.timeZone", err.Error())
	}
	if _, err := schedule.Parse(expression, ""); err != nil {
		add("spec.schedule", err.Error())
	}
	return found
}
