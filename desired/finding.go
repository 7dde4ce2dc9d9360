package desired

import "fmt"

// Finding is something that is wrong or doubtful with an object, without the
// place where it was written: who read the object knows that.
type Finding struct {
	Object  string // Service/x
	Field   string // spec.livenessProbe.httpGet.port; the deepest that exists
	Line    int    // within the text that Field holds, from 1; 0: the field itself
	Col     int    // from 1, in bytes
	Message string
	Warning bool // the object can be used all the same
}

// findings collects what is found in one object.
type findings struct {
	object string
	list   []Finding
}

func (f *findings) errorf(field, format string, args ...any) {
	f.list = append(f.list, Finding{Object: f.object, Field: field, Message: fmt.Sprintf(format, args...)})
}

func (f *findings) warnf(field, format string, args ...any) {
	f.list = append(f.list, Finding{Object: f.object, Field: field, Message: fmt.Sprintf(format, args...), Warning: true})
}
