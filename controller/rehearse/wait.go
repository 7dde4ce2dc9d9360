package rehearse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// waitUp asks the host's systemctl until it says that the boot has ended. It
// has to be asked from inside: systemd answers nobody whose pid it cannot see.
func waitUp(ctx context.Context, h *Host) error {
	last := "its systemd does not answer yet"
	for {
		if exists(h.Root() + "/run/systemd/private") {
			out, err := h.Command(ctx, "systemctl", "is-system-running").Output()
			state := strings.TrimSpace(string(out))
			if state == "running" || state == "degraded" {
				return nil
			}
			last = fmt.Sprintf("systemctl is-system-running: %s, %v", state, err)
		}
		select {
		case <-h.done:
			return errors.New("its systemd ended while it booted")
		case <-ctx.Done():
			return fmt.Errorf("it is not up in time (%s): %w", last, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
