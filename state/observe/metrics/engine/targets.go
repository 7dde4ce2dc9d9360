package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/pakashop/evenkeel/desired"
)

// What one reading of a target may come to. What says more is not read at all.
const (
	maxBody    = "4MB" // of 1024² bytes, as Prometheus counts
	maxSeries  = 5000
	maxLabels  = 64
	maxLabel   = 1024
	maxPatient = 10 * time.Second
)

// configOf is the configuration of Prometheus' scraper: a job of its own for each
// target, so that one that changes disturbs no other. gathered are the addresses of
// those that are not read over the network. The error is of those that cannot be read,
// and stay unread; the others are.
func configOf(targets []desired.Target, gathered map[place]string) (string, map[string][]*targetgroup.Group, error) {
	var jobs []map[string]any
	var wrong []error
	groups := map[string][]*targetgroup.Group{}
	for _, t := range targets {
		p := place{t.Job, t.Instance}
		u, err := addressOf(t, gathered[p])
		if err != nil {
			wrong = append(wrong, fmt.Errorf("read %s: %w", p, err))
			continue
		}
		name := t.Job + " " + t.Instance
		if groups[name] != nil {
			wrong = append(wrong, fmt.Errorf("there are two targets %s", p))
			continue
		}
		jobs = append(jobs, jobOf(name, t, u))
		set := model.LabelSet{}
		for name, value := range t.Labels {
			set[model.LabelName(name)] = model.LabelValue(value)
		}
		set["job"], set["instance"] = model.LabelValue(t.Job), model.LabelValue(t.Instance)
		groups[name] = []*targetgroup.Group{{
			Source: name, Labels: set,
			Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(u.Host)}},
		}}
	}
	text, err := json.Marshal(map[string]any{"scrape_configs": jobs})
	return string(text), groups, errors.Join(append(wrong, err)...)
}

func jobOf(name string, t desired.Target, u *url.URL) map[string]any {
	every := max(t.Interval.Std(), time.Millisecond)
	job := map[string]any{
		"job_name": name, "scheme": u.Scheme, "metrics_path": u.Path, "params": map[string][]string(u.Query()),
		"scrape_interval": milliseconds(every), "scrape_timeout": milliseconds(min(every, maxPatient)),
		"body_size_limit": maxBody, "sample_limit": maxSeries, "label_limit": maxLabels,
		"label_name_length_limit": maxLabel, "label_value_length_limit": maxLabel,
		"follow_redirects": false, "enable_http2": false, "fallback_scrape_protocol": "PrometheusText0.0.4",
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme == "https" && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback()) {
		job["tls_config"] = map[string]any{"insecure_skip_verify": true} // nobody has a certificate for it
	}
	if t.Metrics.HTTPGet != nil && len(t.Metrics.HTTPGet.HTTPHeaders) > 0 {
		headers := map[string]any{}
		for _, h := range t.Metrics.HTTPGet.HTTPHeaders {
			headers[h.Name] = map[string]any{"values": []string{h.Value}}
		}
		job["http_headers"] = headers
	}
	return job
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }

// addressOf is where a target is read.
func addressOf(t desired.Target, gathered string) (*url.URL, error) {
	if gathered != "" {
		return &url.URL{Scheme: "http", Host: gathered, Path: "/metrics"}, nil
	}
	g := t.Metrics.HTTPGet
	if g.URL != "" {
		u, err := url.Parse(g.URL)
		if err == nil && u.Path == "" {
			u.Path = "/metrics"
		}
		return u, err
	}
	host, path := g.Host, g.Path
	if host == "" {
		host = "127.0.0.1"
	}
	if path == "" {
		path = "/metrics"
	}
	if g.Port == nil || g.Port.Number == 0 {
		return nil, fmt.Errorf("no port is given")
	}
	u, err := url.Parse(path) // it may have a query
	if err != nil {
		return nil, err
	}
	u.Scheme = strings.ToLower(g.Scheme)
	if u.Scheme == "" {
		u.Scheme = "http"
	}
	u.Host = net.JoinHostPort(host, strconv.Itoa(g.Port.Number))
	return u, nil
}
