package read

// merge lays a patch over a value, after RFC 7386: fields of tables one by
// one, null removes, anything else replaces. Beyond it, lists of things that
// have a name (or a path) are merged by it. Nulls stay in the result, as marks
// of what was removed. name is the field that holds the value; neither
// argument is changed.
func merge(name string, base, patch *node) *node {
	if base == nil {
		return patch
	}
	if name == "drift" && patch.kind == table && base.kind == text {
		base = widened(base)
	}
	switch {
	case base.kind == table && patch.kind == table:
		return mergeTables(base, patch)
	case base.kind == list && patch.kind == list:
		if key := identity(name, base, patch); key != "" {
			return mergeLists(base, patch, key)
		}
	}
	return patch
}

// widened is the long form of drift: enforce, so that its parts can be merged.
func widened(n *node) *node {
	out := *n
	out.kind, out.text = table, ""
	out.fields = []field{{name: "mode", line: n.line, col: n.col, value: n}}
	return &out
}

func mergeTables(base, patch *node) *node {
	out := *patch
	out.fields = make([]field, len(base.fields), len(base.fields)+len(patch.fields))
	copy(out.fields, base.fields)
	for _, p := range patch.fields {
		if at := out.index(p.name); at >= 0 {
			p.value = merge(p.name, out.fields[at].value, p.value)
			out.fields[at] = p
		} else {
			out.fields = append(out.fields, p)
		}
	}
	return &out
}

func (n *node) index(name string) int {
	for i := range n.fields {
		if n.fields[i].name == name {
			return i
		}
	}
	return -1
}

// identity is the field by which the items of both lists are known; empty
// where they have none. Only in dependsOn a text alone is a name.
func identity(name string, a, b *node) string {
	for _, key := range []string{"name", "path"} {
		if known(a, key, name == "dependsOn") && known(b, key, name == "dependsOn") {
			return key
		}
	}
	return ""
}

func known(n *node, key string, texts bool) bool {
	for _, i := range n.items {
		if called(i, key) == "" || i.kind == text && !texts {
			return false
		}
	}
	return true
}

// called is what an item is known by.
func called(n *node, key string) string {
	if n.kind == text {
		return n.text
	}
	if v := n.get(key); v != nil && v.kind == text {
		return v.text
	}
	return ""
}

func mergeLists(base, patch *node, key string) *node {
	out := *patch
	out.items = append([]*node(nil), base.items...)
	for _, p := range patch.items {
		found := false
		for i, b := range out.items {
			if called(b, key) == called(p, key) {
				out.items[i], found = merge("", b, p), true
			}
		}
		if !found {
			out.items = append(out.items, p)
		}
	}
	return &out
}

// fill gives a table the built-in defaults that it lacks.
func fill(n *node, defaults *node) *node {
	out := *n
	out.fields = append(make([]field, 0, len(n.fields)+len(defaults.fields)), n.fields...)
	for _, d := range defaults.fields {
		i := out.index(d.name)
		switch {
		case i < 0:
			out.fields = append(out.fields, d)
		case out.fields[i].value.kind == null:
			out.fields[i].value = d.value
		case out.fields[i].value.kind == table && d.value.kind == table:
			out.fields[i].value = fill(out.fields[i].value, d.value)
		}
	}
	return &out
}
