package read

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
)

// thousand are services with their unit files in place.
func thousand() string {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `apiVersion: evenkeel.dev/v1
kind: Service
metadata: {name: evk-%04d, labels: {tier: core}}
spec:
  boot: ignored
  dependsOn: [evk-%04d]
  unitFile:
    content: |
      [Unit]
      Description=Number %d
      After=network.target
      StartLimitIntervalSec=0

      [Service]
      Type=simple
      ExecStart=/usr/bin/sleep infinity
      Restart=always
      RestartSec=100ms
      User=nobody
      NoNewPrivileges=yes
      ProtectSystem=strict
      ProtectHome=yes
      PrivateTmp=yes
      MemoryMax=64M

      [Install]
      WantedBy=multi-user.target
---
`, i, max(i-1, 0)+boolInt(i == 0)*999, i)
	}
	return strings.Replace(b.String(), "  dependsOn: [evk-0999]\n", "", 1)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// BenchmarkLoad1000 bounds the share of reading in a dry run of 1,000 services
// (BUDGETS row C: 200 ms for all of it).
func BenchmarkLoad1000(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(thousand()), 0o644); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := processor(b)
	for b.Loop() {
		load1000(b, dir)
	}
	b.ReportMetric(float64((processor(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// BenchmarkLoad1000Sources is the same with each unit file beside the YAML.
func BenchmarkLoad1000Sources(b *testing.B) {
	dir := b.TempDir()
	var all strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&all, "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: evk-%04d}\nspec:\n  boot: ignored\n  unitFile: {source: evk-%04d.service}\n---\n", i, i)
		unit := fmt.Sprintf("[Unit]\nDescription=Number %d\n[Service]\nExecStart=/usr/bin/sleep infinity\n", i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("evk-%04d.service", i)), []byte(unit), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(all.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := processor(b)
	for b.Loop() {
		load1000(b, dir)
	}
	b.ReportMetric(float64((processor(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// processor is the time that this process has used: where others share the
// machine it says more than the clock.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func load1000(b *testing.B, dir string) {
	set, problems := Load([]string{dir}, Options{Policy: desired.BuiltInPolicy(), Host: desired.Host{Name: "app-1"}})
	if err := problems.Err(); err != nil || len(set.Services) != 1000 {
		b.Fatal(err)
	}
}
