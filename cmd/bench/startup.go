package main

// startUp is the start of the binary against that of a Go program that only
// says hello.
func (b *bench) startUp() error {
	if b.hello == "" {
		return nil
	}
	wall, cpu, err := costs(20, []string{insideHello}, []string{insideEvenkeel, "version"})
	if err != nil {
		return err
	}
	return b.sayAll(
		against("S", "evenkeel version, against a Go hello", wall[0], wall[1], 0),
		against("S", "the same, own CPU", cpu[0], cpu[1], 0),
	)
}
