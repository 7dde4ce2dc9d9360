package desired

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// gathers adds to a Call what a collector needs to know of the objects that its rung
// names: the units of a Service, and what is asked of an Endpoint.
func (s *Set) gathers(c *Call, d Do) error {
	switch d.Gather {
	case "logs.search":
		name := c.Args["service"]
		if name == "" {
			return nil // the whole journal
		}
		service, ok := s.Service(name)
		if !ok {
			return fmt.Errorf("no Service is named %s", shorten(name))
		}
		units := service.Units
		if len(service.Spare) > 0 {
			units = append(units[:len(units):len(units)], service.Spare...)
		}
		c.arg("units", strings.Join(units, ","))
	case "http.status":
		if name := c.Args["endpoint"]; name != "" {
			return s.endpointURL(c, name)
		}
		return s.askable(c.Args["url"])
	}
	return nil
}

// endpointURL is what an Endpoint's probe asks.
func (s *Set) endpointURL(c *Call, name string) error {
	for _, e := range s.Endpoints {
		if e.Name != name {
			continue
		}
		at, ok := e.Probe.Probe.url()
		if !ok {
			return fmt.Errorf("the Endpoint %s is asked neither by HTTP nor by TCP", name)
		}
		c.arg("url", at)
		return nil
	}
	return fmt.Errorf("no Endpoint is named %s", shorten(name))
}

// url is what a probe with a host of its own asks: http, https, or tcp.
func (p Probe) url() (string, bool) {
	switch {
	case p.HTTPGet != nil && p.HTTPGet.URL != "":
		return p.HTTPGet.URL, true
	case p.HTTPGet != nil:
		h := p.HTTPGet
		scheme, port := "http", 80
		if strings.EqualFold(h.Scheme, "https") {
			scheme, port = "https", 443
		}
		if h.Port != nil {
			port = h.Port.Number
		}
		return scheme + "://" + net.JoinHostPort(hostOr(h.Host), strconv.Itoa(port)) + h.Path, true
	case p.TCPSocket != nil && p.TCPSocket.Port != nil:
		return "tcp://" + net.JoinHostPort(hostOr(p.TCPSocket.Host), strconv.Itoa(p.TCPSocket.Port.Number)), true
	}
	return "", false
}

func hostOr(host string) string {
	if host == "" {
		return "127.0.0.1"
	}
	return host
}

// askable refuses a URL whose host and port nobody declared: in a runbook's words there
// may be labels of an alert, and a collector that asked whatever they say would reach
// from inside what they may not.
func (s *Set) askable(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("%s is not a URL like https://example.org/health", shorten(text))
	}
	if s.declares(place(u)) {
		return nil
	}
	return fmt.Errorf("%s is the address of no Endpoint, and of no port of a Service here; declare one, or name it by endpoint", shorten(place(u)))
}

// declares tells whether an address is that of an Endpoint, or a declared port on the
// loopback.
func (s *Set) declares(address string) bool {
	for _, e := range s.Endpoints {
		if at, ok := e.Probe.Probe.url(); ok {
			if u, err := url.Parse(at); err == nil && place(u) == address {
				return true
			}
		}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host != "127.0.0.1" && host != "::1" && host != "localhost" {
		return false
	}
	for _, service := range s.Services {
		for _, n := range service.Spec.Ports {
			if strconv.Itoa(n) == port {
				return true
			}
		}
	}
	return false
}

// place is the host and the port that a URL leads to.
func place(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// asksUndeclared checks a URL that is written in full.
func (c *compiler) asksUndeclared(set *Set, object, at string, d Do) {
	text, ok := d.With["url"].(string)
	if d.Gather != "http.status" || !ok || strings.Contains(text, "$(") {
		return
	}
	if err := set.askable(text); err != nil {
		c.add(Finding{Object: object, Field: at + ".with.url", Message: at + ".with.url: " + err.Error()})
	}
}
