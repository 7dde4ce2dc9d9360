package git

// Child becomes git in a process that a Mirror started to be it, and does not
// return then. main calls it first, with os.Args.
func Child(args []string) {}
