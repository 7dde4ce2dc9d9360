package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// prometheusFolder is where Prometheus has all that it is told; what it keeps lies on
// the disk, as evenkeel's does.
const (
	prometheusFolder = "/run/bench/prometheus/"
	prometheusData   = insideState + "/prometheus"
	prometheusListen = "127.0.0.1:20999"
	prometheusURL    = "http://" + prometheusListen
)

// prometheusVersion is that of the server beside which row G is measured, which its
// package has installed.
func prometheusVersion() (string, error) {
	out, err := exec.Command("prometheus", "--version").CombinedOutput()
	if err != nil {
		return "", err
	}
	// "prometheus, version 2.42.0+ds (branch: …"
	_, rest, _ := strings.Cut(string(out), "version ")
	version, _, _ := strings.Cut(rest, " ")
	if version == "" {
		version = "of no known version" // built without its flags
	}
	return version, nil
}

// configurePrometheus has it read the same targets and evaluate the same rules as
// evenkeel, and returns how it is started.
func (b *bench) configurePrometheus() ([]string, error) {
	// Its package must not have started another one.
	v, err := b.systemd.property("prometheus.service", "Unit", "ActiveState")
	if err != nil || v != "inactive" {
		return nil, fmt.Errorf("prometheus.service is %v, want inactive: %w", v, err)
	}
	if err := os.MkdirAll(prometheusFolder, 0o755); err != nil {
		return nil, err
	}
	var c strings.Builder
	fmt.Fprintf(&c, "global: {scrape_interval: %s, evaluation_interval: %s}\nrule_files: [%srules.yml]\nscrape_configs:\n", readEvery, readEvery, prometheusFolder)
	for i := 1; i <= exportTargets; i++ {
		fmt.Fprintf(&c, "- {job_name: %s, metrics_path: %s, static_configs: [{targets: ['127.0.0.1:%d'], labels: {service: %s, unit: %s, host: bench}}]}\n",
			serviceName(i), prometheusReads, exportPort+i, serviceName(i), unitName(i))
	}
	config := prometheusFolder + "prometheus.yml"
	if err := os.WriteFile(config, []byte(c.String()), 0o644); err != nil {
		return nil, err
	}
	argv := []string{"prometheus", "--config.file=" + config, "--storage.tsdb.path=" + prometheusData, "--web.listen-address=" + prometheusListen, "--log.level=warn"}
	return argv, os.WriteFile(prometheusFolder+"rules.yml", []byte(alertRules), 0o644)
}
