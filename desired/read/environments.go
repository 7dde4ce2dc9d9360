package read

// Environments lists by name which environments there are: those that are
// declared, and those that have overlays. None need be chosen for it. What cannot
// be told apart is a Problem; what else is wrong, Load will say.
func Environments(paths []string, o Options) ([]string, Problems) {
	l := loader{o: o.Complete(), kinds: specs(), plans: newPlans()}
	defer l.close()
	l.open(paths, false)
	l.read()
	l.parse()
	l.identify()
	l.problems = tidy(l.problems)
	return sortedKeys(l.environmentNames()), l.problems
}

// environmentNames are the names of the environments that there are, and whether
// they have overlays.
func (l *loader) environmentNames() map[string]bool {
	names := map[string]bool{}
	for _, o := range l.objects {
		if o.kind == "Environment" {
			names[o.meta.Name] = false
		}
	}
	for _, f := range l.files {
		if f.environment != "" {
			names[f.environment] = true
		}
	}
	return names
}
