package live_test

import (
	"fmt"
	"strings"
)

// sleeper is a unit file of the plainest kind, with more lines for [Service].
func sleeper(more ...string) string {
	return "[Unit]\nDescription=a test's own\n\n[Service]\nExecStart=/bin/sleep infinity\n" + lines(more) + "\n[Install]\nWantedBy=multi-user.target\n"
}

// bare is a unit file that starts something other than sleep.
func bare(more ...string) string {
	return "[Unit]\nDescription=a test's own\n\n[Service]\n" + lines(more) + "\n[Install]\nWantedBy=multi-user.target\n"
}

func lines(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "\n") + "\n"
}

// service declares a unit of ours: its file, and more lines of spec.
func service(name, unitFile string, spec ...string) string {
	return object(name, append([]string{"unitFile:", "  content: |", indent(unitFile, "    ")}, spec...)...)
}

// object declares a Service by the lines of its spec.
func object(name string, spec ...string) string {
	text := strings.TrimRight(strings.Join(spec, "\n"), "\n")
	if text == "" {
		text = "state: running"
	}
	return fmt.Sprintf("apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: %s}\nspec:\n%s\n", name, indent(text, "  "))
}

func indent(text, by string) string {
	var out strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		if strings.TrimSpace(line) != "" {
			out.WriteString(by)
		}
		out.WriteString(line)
	}
	return out.String()
}
