package state

// What a Past holds, by what it is about. Each is asked for many times a pass, so
// that no name is put together on the heap for it.

// EndOf is the end of our last Step on a fact; zero: there was none.
func (p *Past) EndOf(r Ref) Time {
	if len(p.Ended) == 0 {
		return Time{}
	}
	var buf [128]byte
	key := append(append(append(buf[:0], r.Kind...), ':'), r.Name...)
	return p.Ended[string(key)]
}

// CaseOf is the open Case of a unit; of the host, where none is named.
func (p *Past) CaseOf(object, unit string) (Case, bool) {
	if len(p.Cases) == 0 {
		return Case{}, false
	}
	var buf [192]byte
	key := append(append(append(buf[:0], object...), ' '), unit...)
	c, ok := p.Cases[string(key)]
	return c, ok
}

// StopOf is the hold by which a human's stop of a unit is respected.
func (p *Past) StopOf(object, unit string) (Hold, bool) {
	if len(p.Holds) == 0 {
		return Hold{}, false
	}
	h, ok := p.Holds[Hold{Reason: ManualStop, Object: object, Unit: unit}.Key()]
	return h, ok
}
