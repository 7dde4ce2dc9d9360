package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// breakage is something done by hand, and what is to come of it.
type breakage struct {
	title   string
	by      string   // the shell line, shown and done
	service string   // whose matter it is
	reasons []string // one of which the step that heals it gives; or the hold
	held    bool     // nothing is done about it, and the board says why
	proof   string   // a shell line that succeeds once it is healed
	show    []string // arguments of evenkeel that show more of it
}

func breakages() []breakage {
	return []breakage{
		{
			title: "A service is killed", service: "pakashop-notifications",
			by:      "systemctl kill -s KILL pakashop-notifications",
			reasons: []string{"Failed", "NotRunning"},
			proof:   "systemctl is-active -q pakashop-notifications",
		},
		{
			title: "A unit file is edited", service: "pakashop-fraud",
			by:      "sed -i s/NoNewPrivileges=yes/NoNewPrivileges=no/ /etc/systemd/system/pakashop-fraud.service",
			reasons: []string{"UnitFileDrift"},
			proof:   "grep -qx NoNewPrivileges=yes /etc/systemd/system/pakashop-fraud.service && test $(systemctl show -P NeedDaemonReload pakashop-fraud) = no",
		},
		{
			title: "A foreign drop-in appears", service: "nginx",
			by:      `printf '[Service]\nNice=19\n' > /etc/systemd/system/nginx.service.d/99-quick-fix.conf`,
			reasons: []string{"ForeignDropIn"},
			proof:   "test ! -e /etc/systemd/system/nginx.service.d/99-quick-fix.conf && test $(systemctl show -P NeedDaemonReload nginx) = no && evenkeel displaced list | grep -q 99-quick-fix.conf",
			show:    []string{"displaced", "list"},
		},
		{
			title: "A unit is disabled", service: "pakashop-search",
			by:      "systemctl disable -q pakashop-search",
			reasons: []string{"NotEnabled", "BootDrift"},
			proof:   "systemctl is-enabled -q pakashop-search",
		},
		{
			title: "A file that a service reads is deleted", service: "pakashop-pricing",
			by:      "rm /etc/pakashop/pakashop-pricing.env",
			reasons: []string{"FileDrift"},
			proof:   "grep -qx SERVICE=pakashop-pricing /etc/pakashop/pakashop-pricing.env",
		},
		{
			title: "Somebody stops Redis", service: "redis", held: true,
			by:      "systemctl stop redis-server",
			reasons: []string{"ManualStop"},
			proof:   "! systemctl is-active -q redis-server",
			show:    []string{"status", "redis"},
		},
	}
}

// breakAll breaks one thing after another, each when the last one is settled.
func (s *show) breakAll(ctx context.Context) error {
	all := s.breaks
	if all == nil {
		all = breakages()
	}
	for _, b := range all {
		if s.Pause != nil {
			if err := s.Pause(b.title); err != nil {
				return err
			}
		}
		s.say("")
		s.title("%s", b.title)
		s.typed("%s", b.by)
		began := time.Now()
		if err := s.shell(ctx, b.by); err != nil {
			return err
		}
		settle := s.heal
		if b.held {
			settle = s.holds
		}
		if err := settle(ctx, b, began); err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(b.title[:1])+b.title[1:], err)
		}
		if err := s.shows(ctx, b.show); err != nil {
			return err
		}
	}
	return nil
}

// shows shows what evenkeel says to a question.
func (s *show) shows(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return nil
	}
	s.typed("evenkeel %s", strings.Join(args, " "))
	out, _, err := s.evenkeel(ctx, args...)
	if err != nil {
		return err
	}
	s.say("%s", strings.TrimRight(string(out), "\n"))
	return nil
}

// heal waits until the host is right again, the board is, and history says by
// which step and why; then it shows that step.
func (s *show) heal(ctx context.Context, b breakage, began time.Time) error {
	var why []stepJSON
	took, err := s.until(ctx, "healed", func(ctx context.Context) (string, error) {
		if err := s.shell(ctx, b.proof); err != nil {
			return "the host is not right yet", nil
		}
		steps, err := s.history(ctx, "Service/"+b.service, began)
		if err != nil {
			return "", err
		}
		why = slices.DeleteFunc(steps, func(one stepJSON) bool {
			return one.Outcome != "done" || !slices.Contains(b.reasons, one.Reason)
		})
		if len(why) == 0 {
			return "history has no step with reason " + strings.Join(b.reasons, " or "), nil
		}
		st, err := s.status(ctx)
		return notWell(st), err
	})
	if err != nil {
		return err
	}
	for _, one := range why {
		s.say("  %s  %s %s  %s  %s, %d ms", one.Time.UTC().Format("15:04:05Z"), one.Actuator, one.Verb, one.Reason, one.Outcome, one.MS)
	}
	s.good("healed %.1f s after it was broken", took.Seconds())
	return nil
}

// restraint is how long evenkeel is watched doing nothing.
const restraint = 2 * time.Second

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// holds waits until the board says that it is held, and why; and sees to it
// that nothing was done.
func (s *show) holds(ctx context.Context, b breakage, began time.Time) error {
	var now serviceJSON
	took, err := s.until(ctx, "held", func(ctx context.Context) (string, error) {
		st, err := s.status(ctx)
		if err != nil {
			return "", err
		}
		at := slices.IndexFunc(st.Services, func(one serviceJSON) bool { return one.Name == b.service })
		if at < 0 {
			return b.service + " is not on the board", nil
		}
		if now = st.Services[at]; now.State != "HELD" || !slices.Contains(b.reasons, now.Reason) {
			return fmt.Sprintf("%s is %s %s, want HELD %s", b.service, now.State, now.Reason, strings.Join(b.reasons, " or ")), nil
		}
		return "", nil
	})
	if err != nil {
		return err
	}
	if err := pause(ctx, restraint); err != nil {
		return err
	}
	steps, err := s.history(ctx, "Service/"+b.service, began)
	if err != nil {
		return err
	}
	if len(steps) > 0 {
		return fmt.Errorf("it is held, and yet %s was done", steps[0].Verb)
	}
	if err := s.shell(ctx, b.proof); err != nil {
		return err
	}
	s.good("held after %.1f s, %s, and left alone: the human wins, and the board says until when", took.Seconds(), now.Reason)
	return nil
}
