package collect

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

const fromStub = "stub_status"

var (
	nginxUp      = gauge("nginx_up", "", "Whether nginx answers: 0 where nobody listens, or it answers 5xx.")
	nginxActive  = gauge("nginx_connections_active", fromStub, "Connections of clients.")
	nginxReading = gauge("nginx_connections_reading", fromStub, "Connections whose request is being read.")
	nginxWriting = gauge("nginx_connections_writing", fromStub, "Connections whose answer is being written.")
	nginxWaiting = gauge("nginx_connections_waiting", fromStub, "Connections that are idle.")
	nginxAccept  = counter("nginx_connections_accepted", fromStub, "Connections accepted.")
	nginxHandled = counter("nginx_connections_handled", fromStub, "Connections handled: less than accepted where a limit was met.")
	nginxTotal   = counter("nginx_http_requests_total", fromStub, "Requests.")
)

func nginxMetrics() []Metric {
	return []Metric{nginxUp, nginxActive, nginxReading, nginxWriting, nginxWaiting, nginxAccept, nginxHandled, nginxTotal}
}

func (c *Collector) nginx(ctx context.Context, t desired.Target, p *page) error {
	h := t.Metrics.Nginx
	pages := c.asker.Pages(t.Unit, maxRead)
	defer pages.Close()
	status, body, err := pages.Get(ctx, h)
	if err != nil {
		no, err := down(ctx, err, t.Unit, address(h.Host, h.Port, 80))
		if no {
			p.add(nginxUp, 0)
		}
		return err
	}
	switch {
	case status >= 500:
		p.add(nginxUp, 0)
		return nil
	case status != 200:
		return fmt.Errorf("the page answers %d, and should be one of stub_status", status)
	}
	p.add(nginxUp, 1)
	return readStub(string(body), p)
}

var errStub = errors.New("the page is none of stub_status")

// readStub reads the four lines of stub_status.
func readStub(text string, p *page) error {
	f := strings.Fields(text)
	words := []string{"Active", "connections:", "", "server", "accepts", "handled", "requests", "", "", "", "Reading:", "", "Writing:", "", "Waiting:", ""}
	metrics := map[int]Metric{2: nginxActive, 7: nginxAccept, 8: nginxHandled, 9: nginxTotal, 11: nginxReading, 13: nginxWriting, 15: nginxWaiting}
	if len(f) != len(words) {
		return errStub
	}
	for i, word := range words {
		if word != "" && f[i] != word {
			return errStub
		}
		if word != "" {
			continue
		}
		n, err := strconv.ParseUint(f[i], 10, 63)
		if err != nil {
			return errStub
		}
		p.add(metrics[i], float64(n))
	}
	return nil
}
