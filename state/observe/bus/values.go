package bus

// JobRef is the value of a unit's Job property.
type JobRef struct {
	ID   uint32
	Path string
}

// variant decodes the types that the properties of units have; false for others.
func (c *cursor) variant() (any, bool) {
	sig := string(c.signature())
	v, ok := c.value(sig)
	return v, ok && !c.bad
}

func (c *cursor) value(sig string) (any, bool) {
	switch sig {
	case "s", "o":
		return string(c.string()), true
	case "b":
		return c.uint32() != 0, true
	case "u":
		return c.uint32(), true
	case "i":
		return int32(c.uint32()), true
	case "t":
		return c.uint64(), true
	case "x":
		return int64(c.uint64()), true
	case "ay":
		return append([]byte{}, c.take(int(c.uint32()))...), true
	case "as", "ao":
		return c.strings(), true
	case signatureConditions:
		return c.conditions(), true
	case "(uo)":
		c.align(8)
		return JobRef{ID: c.uint32(), Path: string(c.string())}, true
	}
	return nil, false
}

// signatureUnits is the type of a list of units.
const signatureUnits = "a(ssssssouso)"

// units decodes a list of units.
func (c *cursor) units() ([]UnitStatus, bool) {
	end := c.array(8)
	var out []UnitStatus
	for c.at < end && !c.bad {
		c.align(8)
		u := UnitStatus{Name: string(c.string())}
		c.string() // the description
		u.Load, u.Active, u.Sub = string(c.string()), string(c.string()), string(c.string())
		c.string() // the unit that it follows
		u.Path = string(c.string())
		u.JobID = c.uint32()
		u.JobType = string(c.string())
		c.string() // the job's path
		out = append(out, u)
	}
	return out, !c.bad
}

func (c *cursor) strings() []string {
	end := c.array(4)
	var out []string
	for c.at < end && !c.bad {
		out = append(out, string(c.string()))
	}
	return out
}

// array enters an array of elements of some alignment and tells where it ends.
func (c *cursor) array(alignment int) int {
	n := int(c.uint32())
	c.align(alignment)
	if c.bad || n > len(c.b)-c.at {
		c.bad = true
		return c.at
	}
	return c.at + n
}

// dict decodes a{sv}, leaving out values of types that are not known.
func (c *cursor) dict() (map[string]any, bool) {
	out := map[string]any{}
	end := c.array(8)
	for c.at < end && !c.bad {
		c.align(8)
		name := string(c.string())
		sig := string(c.signature())
		from := c.at
		if v, ok := c.value(sig); ok {
			out[name] = v
			continue
		}
		c.at = from
		for len(sig) > 0 && !c.bad {
			sig = c.skip(sig)
		}
	}
	return out, !c.bad
}

// skip passes over one value of the first complete type of a signature, and
// returns the rest of the signature.
func (c *cursor) skip(sig string) string {
	switch sig[0] {
	case 'y':
		c.take(1)
	case 'n', 'q':
		c.align(2)
		c.take(2)
	case 'b', 'i', 'u', 'h':
		c.uint32()
	case 'x', 't', 'd':
		c.uint64()
	case 's', 'o':
		c.string()
	case 'g':
		c.signature()
	case 'v':
		c.skipVariant()
	case 'a':
		elem := sig[1:]
		if elem == "" {
			c.bad = true
			return ""
		}
		c.at = c.array(alignment(elem[0]))
		return after(elem)
	case '(':
		c.align(8)
		rest := sig[1:]
		for rest != "" && rest[0] != ')' && !c.bad {
			rest = c.skip(rest)
		}
		if rest == "" {
			c.bad = true
			return ""
		}
		return rest[1:]
	default:
		c.bad = true
		return ""
	}
	return sig[1:]
}

// maxDepth is the D-Bus specification's limit of values in values.
const maxDepth = 64

func (c *cursor) skipVariant() {
	if c.depth++; c.depth > maxDepth {
		c.bad = true
	}
	for inner := string(c.signature()); len(inner) > 0 && !c.bad; {
		inner = c.skip(inner)
	}
	c.depth--
}

func alignment(kind byte) int {
	switch kind {
	case 'y', 'g', 'v':
		return 1
	case 'n', 'q':
		return 2
	case 'x', 't', 'd', '(', '{':
		return 8
	}
	return 4
}

// after cuts the first complete type off a signature.
func after(sig string) string {
	for i, depth := 0, 0; i < len(sig); i++ {
		switch sig[i] {
		case '(', '{':
			depth++
			continue
		case ')', '}':
			depth--
		case 'a':
			continue
		}
		if depth <= 0 {
			return sig[i+1:]
		}
	}
	return ""
}
