package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// maxRemote is what a Prometheus may answer.
const maxRemote = 4 << 20

// remote is a Prometheus that is there already.
type remote struct {
	url    *url.URL
	token  string
	match  [][]*labels.Matcher
	client *http.Client
}

func newRemote(p desired.Prometheus, token string, parse parser.Parser) (*remote, error) {
	u, err := url.Parse(p.URL)
	if err != nil {
		return nil, fmt.Errorf("ask a Prometheus: %w", err)
	}
	r := &remote{url: u, token: token, client: &http.Client{
		Timeout:       maxQuery,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if len(p.Match) > 0 {
		m, err := parse.ParseMetricSelector("{" + strings.Join(p.Match, ",") + "}")
		if err != nil {
			return nil, fmt.Errorf("match the alerts of a Prometheus: %w", err)
		}
		r.match = [][]*labels.Matcher{m}
	}
	return r, nil
}

// get asks an endpoint of its API, and reads the data of its answer.
func (r *remote) get(ctx context.Context, endpoint string, form url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url.JoinPath(endpoint).String(), strings.NewReader(form.Encode()))
	if form == nil && err == nil {
		req, err = http.NewRequestWithContext(ctx, http.MethodGet, r.url.JoinPath(endpoint).String(), nil)
	}
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the Prometheus: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxRemote+1))
	if err == nil && len(b) > maxRemote {
		err = errors.New("it answers more than 4 MiB")
	}
	if err != nil {
		return fmt.Errorf("ask the Prometheus: %w", err)
	}
	var answer struct {
		Status string
		Error  string
		Data   json.RawMessage
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return fmt.Errorf("ask the Prometheus: status %d, and no answer of a Prometheus", resp.StatusCode)
	}
	if answer.Status != "success" {
		return fmt.Errorf("ask the Prometheus: %s", brief(answer.Error, 200))
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return fmt.Errorf("ask the Prometheus: %w", err)
	}
	return nil
}

// pair is a sample as the API writes it: [seconds, "value"].
type pair struct {
	at time.Time
	v  float64
}

// UnmarshalJSON is for encoding/json.
func (p *pair) UnmarshalJSON(b []byte) error {
	var raw [2]any
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	at, ok1 := raw[0].(float64)
	text, ok2 := raw[1].(string)
	if !ok1 || !ok2 {
		return errors.New("no sample")
	}
	v, err := strconv.ParseFloat(text, 64)
	p.at, p.v = time.UnixMilli(int64(at*1000)), v
	return err
}

// query is a rules.QueryFunc.
func (r *remote) query(ctx context.Context, expr string, at time.Time) (promql.Vector, error) {
	var data struct {
		ResultType string
		Result     json.RawMessage
	}
	form := url.Values{
		"query": {expr}, "time": {strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)},
		"timeout": {"10s"}, "limit": {strconv.Itoa(maxSeries)},
	}
	if err := r.get(ctx, "api/v1/query", form, &data); err != nil {
		return nil, err
	}
	switch data.ResultType {
	case "scalar":
		var p pair
		if err := json.Unmarshal(data.Result, &p); err != nil {
			return nil, fmt.Errorf("ask the Prometheus: %w", err)
		}
		return promql.Vector{{T: at.UnixMilli(), F: p.v, Metric: labels.EmptyLabels()}}, nil
	case "vector":
		var list []struct {
			Metric map[string]string
			Value  *pair
		}
		if err := json.Unmarshal(data.Result, &list); err != nil {
			return nil, fmt.Errorf("ask the Prometheus: %w", err)
		}
		out := make(promql.Vector, 0, len(list))
		for _, s := range list {
			if s.Value == nil {
				return nil, errors.New("ask the Prometheus: the result is of histograms")
			}
			out = append(out, promql.Sample{T: at.UnixMilli(), F: s.Value.v, Metric: labels.FromMap(s.Metric)})
		}
		return out, nil
	}
	return nil, fmt.Errorf("ask the Prometheus: the result is a %s", brief(data.ResultType, 20))
}

// alerts are those that it says are active.
func (r *remote) alerts(ctx context.Context) ([]*active, error) {
	var data struct {
		Alerts []struct {
			Labels      map[string]string
			Annotations map[string]string
			State       string
			ActiveAt    time.Time
			Value       string
		}
	}
	if err := r.get(ctx, "api/v1/alerts", nil, &data); err != nil {
		return nil, err
	}
	var out []*active
	for _, a := range data.Alerts {
		if a.State != "pending" && a.State != "firing" || !r.ours(a.Labels) {
			continue
		}
		one := &active{ActiveAlert: state.ActiveAlert{
			ID: state.AlertID(a.Labels), Name: a.Labels["alertname"], Firing: a.State == "firing",
			Since: a.ActiveAt.UTC(), Labels: short(a.Labels), Annotations: short(a.Annotations),
		}}
		if v, err := strconv.ParseFloat(a.Value, 64); err == nil && math.IsNaN(v) {
			one.why = "what it rests on comes to no number"
		}
		out = append(out, one)
	}
	return out, nil
}

// ours tells the alerts that are of this host.
func (r *remote) ours(alert map[string]string) bool {
	for _, all := range r.match {
		for _, m := range all {
			if !m.Matches(alert[m.Name]) {
				return false
			}
		}
	}
	return true
}

// ask takes the alerts of a Prometheus as they are, again and again.
func (e *Engine) ask(ctx context.Context, f *file) {
	defer f.remote.client.CloseIdleConnections()
	tick := time.NewTicker(e.opt.interval)
	defer tick.Stop()
	for {
		began := time.Now()
		alerts, err := f.remote.alerts(ctx)
		var errs []string
		if err != nil {
			errs = []string{brief(err.Error(), 300)}
		}
		e.mu.Lock()
		if s := e.sources["prometheus/"+f.is.Name]; s != nil && s.file == f {
			e.take(s, alerts, errs, began, true, nil)
		}
		e.mu.Unlock()
		if ctx.Err() == nil {
			e.news([]string{"prometheus/" + f.is.Name})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
