package collect

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/metrics.md")

const (
	metricsPage = "../../../docs/metrics.md"
	begin       = "<!-- the tables are written by: go test ./state/observe/collect -update -->\n"
)

func tables() string {
	var b strings.Builder
	for _, g := range Groups() {
		fmt.Fprintf(&b, "\n## %s\n\nNames: %s.\n\n| metric | type | labels | from | what it is |\n|---|---|---|---|---|\n", g.Title, g.Exporter)
		for _, m := range g.Metrics {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Type, strings.Join(m.Labels, ", "), m.From, m.Help)
		}
	}
	return b.String()
}

func TestTheDocsListEveryMetric(t *testing.T) {
	text, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	head, old, found := strings.Cut(string(text), begin)
	if !found {
		t.Fatalf("%s has no place for the tables", metricsPage)
	}
	if *update {
		if err := os.WriteFile(metricsPage, []byte(head+begin+tables()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != tables() {
		t.Errorf("%s is not what the code says: go test ./state/observe/collect -update", metricsPage)
	}
}

func TestTheListIsSound(t *testing.T) {
	name, label := regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`), regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	seen := map[string]bool{}
	for _, m := range All() {
		if seen[m.Name] || !name.MatchString(m.Name) || m.Help == "" || strings.ContainsAny(m.Help, "\n\\|") {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
		for _, l := range m.Labels {
			// These are the target's own.
			if !label.MatchString(l) || l == "job" || l == "instance" || l == "service" || l == "unit" || l == "host" || l == "environment" {
				t.Errorf("%s has a label %s", m.Name, l)
			}
		}
	}
}
