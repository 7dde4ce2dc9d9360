package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Row G: so many targets are read, and rules evaluated, each so often. That is three
// times as often as by default, and what is looked back at is as much shorter: a
// minute measures three.
const (
	exportTargets = 20
	readEvery     = 5 * time.Second
)

// alertRules are the rules of row G. One of them fires, for one target.
const alertRules = `groups:
- name: shop
  interval: 5s
  rules:
  - {alert: Errors, expr: 'sum by (instance) (rate(http_requests_total{code="500"}[100s])) / sum by (instance) (rate(http_requests_total[100s])) > 0.5', for: 20s, labels: {severity: P2}}
  - {alert: Slow99, expr: 'histogram_quantile(0.99, sum by (instance, le) (rate(http_duration_seconds_bucket[100s]))) > 100', for: 20s}
  - {alert: Slow95, expr: 'histogram_quantile(0.95, sum by (job, path, le) (rate(http_duration_seconds_bucket[100s]))) > 100'}
  - {alert: Down, expr: 'up == 0'}
  - {record: 'path:requests:rate', expr: 'sum by (path) (rate(http_requests_total[100s]))'}
  - {alert: Quiet, expr: 'sum(path:requests:rate) < 0.001'}
  - {alert: Busy, expr: 'sum by (instance) (rate(http_requests_total[100s])) > 1e9'}
  - {alert: Backlog, expr: 'max by (queue) (queue_length) > 1000'}
`

// firing is the one alert that they come to.
const firing = "Errors"

// alerts is row G: rules over many series, by evenkeel, which restarts what is down
// besides, and by Prometheus, side by side over the same targets, so that what else
// the machine does is in both. Both are measured when their series are as long as
// anything looks back.
func (b *bench) alerts() error {
	metrics := func(i int) string {
		return fmt.Sprintf("metrics: {httpGet: {path: %s, port: %d}, interval: %s}", evenkeelReads, exportPort+i, readEvery)
	}
	if err := b.bring(exportTargets, metrics); err != nil {
		return err
	}
	what := fmt.Sprintf("CPU a minute, %d targets × %d series and 8 rules each %s, against Prometheus", exportTargets, seriesEach, readEvery)
	version, err := prometheusVersion()
	if err != nil {
		return b.say(blocked("G", what, "there is no Prometheus on this host; .ci/layer says why"))
	}
	if err := os.WriteFile(filepath.Join(declared, "shop.rules.yml"), []byte(alertRules), 0o644); err != nil {
		return err
	}
	targets, err := b.start(insideBench, "export", strconv.Itoa(exportTargets))
	if err != nil {
		return err
	}
	defer targets.stop()
	record := "alerts"
	if _, err := run(evenkeelArgs(record, "apply")...); err != nil {
		return err
	}
	argv, err := b.configurePrometheus()
	if err != nil {
		return err
	}
	peer, err := b.start(argv...)
	if err != nil {
		return err
	}
	defer peer.stop()
	own, err := b.start(evenkeelArgs(record, "run")...)
	if err != nil {
		return err
	}
	defer own.stop()
	time.Sleep(2 * time.Minute)
	its, ours, err := besides(peer, own, 2*time.Minute)
	if err != nil {
		return err
	}
	if err := sameAlerts(record); err != nil {
		return err
	}
	return b.sayAll(
		against("G", what+" "+version, []float64{its.cpuMinute}, []float64{ours.cpuMinute}, 1.2),
		atMost("G", fmt.Sprintf("memory of that, proportional (Prometheus': %.0f MB)", its.memory), "MB", ours.memory, 80),
	)
}

// besides measures both sides over the same time, and that both read all there is.
func besides(peer, own *process, window time.Duration) (its, ours steadiness, err error) {
	sides := []struct {
		*process
		path string
		is   *steadiness
		was  int
		cpu0 float64
	}{{process: peer, path: prometheusReads, is: &its}, {process: own, path: evenkeelReads, is: &ours}}
	for i := range sides {
		s := &sides[i]
		s.cpu0 = s.cpu()
		if s.was, err = count(exportURL(0, s.path)); err != nil {
			return its, ours, err
		}
	}
	time.Sleep(window)
	want := exportTargets * int(window/readEvery)
	for _, s := range sides {
		used := s.cpu() - s.cpu0
		n, err := count(exportURL(0, s.path))
		if err != nil {
			return its, ours, err
		}
		if did := n - s.was; did < want*19/20 || did > want*21/20 {
			return its, ours, fmt.Errorf("%s was read %d times, want %d", s.path, did, want)
		}
		s.is.cpuMinute = used * time.Minute.Seconds() / window.Seconds()
		s.is.memory = s.memory()
	}
	return its, ours, nil
}

func count(url string) (int, error) {
	text, err := get(http.DefaultClient, url)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// sameAlerts tells whether both sides say that the one alert fires, for the one target,
// and no other: whoever evaluates nothing is quick.
func sameAlerts(record string) error {
	type alert struct {
		Name, State string
		Labels      map[string]string
	}
	want := fmt.Sprintf("%s firing 127.0.0.1:%d", firing, exportPort+exportTargets)
	out, err := exec.Command(insideEvenkeel, "alerts", "-o", "json", "--state-dir", insideState+"/"+record).Output()
	if err != nil {
		return fmt.Errorf("ask evenkeel for its alerts: %w", err)
	}
	var ours struct{ Alerts []alert }
	if err := json.Unmarshal(out, &ours); err != nil {
		return err
	}
	text, err := get(http.DefaultClient, prometheusURL+"/api/v1/alerts")
	if err != nil {
		return err
	}
	var its struct{ Data struct{ Alerts []alert } }
	if err := json.Unmarshal([]byte(text), &its); err != nil {
		return err
	}
	for who, all := range map[string][]alert{"evenkeel": ours.Alerts, "Prometheus": its.Data.Alerts} {
		var got []string
		for _, a := range all {
			got = append(got, strings.Join([]string{a.Labels["alertname"], a.State, a.Labels["instance"]}, " "))
		}
		if is := strings.Join(got, ", "); is != want {
			return fmt.Errorf("%s says that %q, want %q", who, is, want)
		}
	}
	return nil
}
