package host

// roleArgument is what this program gets as its first argument when it is
// started as a plugin of itself.
const roleArgument = "actuator-role"

// Role tells whether this process was started as a plugin of its own program,
// and as which. It must be asked with os.Args at the very top of main: a role
// needs none of what the rest of main sets up.
func Role(args []string) (name string, ok bool) {
	if len(args) != 3 || args[1] != roleArgument {
		return "", false
	}
	return args[2], true
}
