package desired

// Check holds one object's spec, given as a pointer to its Go type, to the
// rules that its types do not express.
func Check(object string, spec any) []Finding {
	f := &findings{object: object}
	switch s := spec.(type) {
	case *ServiceSpec:
		s.check(f)
	}
	return f.list
}

func (s *ServiceSpec) check(f *findings) {
	checkUnit(f, s)
}

func checkUnit(f *findings, s *ServiceSpec) {
	u, err := ParseUnitName(s.Unit)
	if err != nil {
		f.errorf("spec.unit", "spec.unit: %v", err)
		return
	}
	_ = u
}
