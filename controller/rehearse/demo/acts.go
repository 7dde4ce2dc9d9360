package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// converge shows what is to be done, and lets the controller do it.
func (s *show) converge(ctx context.Context) error {
	s.say("")
	s.title("What would be done? (touches nothing)")
	s.typed("evenkeel diff -f %s", desired)
	plan, code, err := s.diff(ctx)
	if err != nil {
		return err
	}
	if code != 1 || plan.InSync || len(plan.Steps) == 0 {
		return fmt.Errorf("diff on a bare host: exit %d, %d steps; want exit 1 and steps", code, len(plan.Steps))
	}
	s.say("  %d steps: %s", len(plan.Steps), tally(plan))
	s.say("")
	s.title("The controller does it")
	s.typed("systemctl enable --now evenkeel")
	if err := s.shell(ctx, "systemctl enable -q --now evenkeel"); err != nil {
		return err
	}
	services := 0
	took, err := s.until(ctx, "the estate is up", func(ctx context.Context) (string, error) {
		st, err := s.status(ctx)
		services = len(slices.DeleteFunc(slices.Clone(st.Services), func(one serviceJSON) bool { return one.Unit == "" })) // an Endpoint has none
		return notWell(st), err
	})
	if err != nil {
		return err
	}
	s.good("%d services, from nothing to healthy in %.1f s", services, took.Seconds())
	return s.board(ctx)
}

// tally counts steps by what they do.
func tally(p planJSON) string {
	counts := map[string]int{}
	for _, step := range p.Steps {
		counts[step.Verb]++
	}
	var parts []string
	for _, verb := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d × %s", counts[verb], verb))
	}
	return strings.Join(parts, ", ")
}

// notWell says what keeps the board from being all OK.
func notWell(st statusJSON) string {
	var bad []string
	for _, one := range st.Services {
		if one.State != "OK" {
			bad = append(bad, fmt.Sprintf("%s %s %s", one.State, one.Name, one.Reason))
		}
	}
	switch {
	case len(st.Services) == 0:
		return "the board is empty"
	case len(bad) > 0:
		return strings.Join(bad, ", ")
	case !st.Healthy:
		return "not healthy"
	}
	return ""
}

// board shows the board as a person sees it.
func (s *show) board(ctx context.Context) error {
	s.say("")
	s.typed("evenkeel status")
	out, _, err := s.evenkeel(ctx, "status")
	if err != nil {
		return err
	}
	s.say("%s", strings.TrimRight(string(out), "\n"))
	return nil
}

// lastLook shows what remains, all of it, and that the services do not need
// the controller.
func (s *show) lastLook(ctx context.Context) error {
	s.say("")
	s.title("What remains")
	if err := s.board(ctx); err != nil {
		return err
	}
	s.typed("evenkeel diff -f %s --ignore-held", desired)
	plan, code, err := s.diff(ctx, "--ignore-held")
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("diff --ignore-held after all was healed: exit %d, %s", code, tally(plan))
	}
	s.good("exit 0: in sync, but for what is held on purpose")
	s.say("")
	s.typed("evenkeel history")
	out, _, err := s.evenkeel(ctx, "history")
	if err != nil {
		return err
	}
	s.say("%s", lastLines(string(out), 20))
	s.say("")
	s.typed("systemctl stop evenkeel; systemctl is-active pakashop-gateway")
	if err := s.shell(ctx, "systemctl stop evenkeel && systemctl is-active -q pakashop-gateway nginx"); err != nil {
		return err
	}
	s.good("active: the services run on without the controller")
	return nil
}

// lastLines shortens a long text to its end.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) <= n {
		return strings.Join(lines, "\n")
	}
	return fmt.Sprintf("  … %d lines before\n%s", len(lines)-n, strings.Join(lines[len(lines)-n:], "\n"))
}

// shell does something by hand on the host.
func (s *show) shell(ctx context.Context, line string) error {
	out, err := s.host.Command(ctx, "/bin/sh", "-ec", line).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(string(out)))
	}
	return nil
}
