package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// result is one line of the table. Limit and Evenkeel are medians in Unit; where
// there is nothing to compare with, Limit is 0.
type result struct {
	Row      string  `json:"row"`
	What     string  `json:"what"`
	Unit     string  `json:"unit"`
	Limit    float64 `json:"limit,omitempty"`
	Evenkeel float64 `json:"evenkeel"`
	Ratio    float64 `json:"ratio,omitempty"` // evenkeel to limit; for Faster the other way round
	Budget   float64 `json:"budget,omitempty"`
	Faster   bool    `json:"faster,omitempty"`   // Ratio must be at least Budget, not at most
	Absolute bool    `json:"absolute,omitempty"` // Budget bounds Evenkeel itself
	OK       bool    `json:"ok"`
	Blocked  string  `json:"blocked,omitempty"` // why it could not be measured
}

// against compares evenkeel's median with the limit's: at most budget times.
func against(row, what string, limit, evenkeel []float64, budget float64) result {
	r := result{Row: row, What: what, Unit: "ms", Limit: median(limit), Evenkeel: median(evenkeel), Budget: budget}
	if r.Limit > 0 {
		r.Ratio = r.Evenkeel / r.Limit
	}
	r.OK = budget == 0 || r.Ratio > 0 && r.Ratio <= budget
	return r
}

// faster compares the other way round: evenkeel is at least budget times faster.
func faster(row, what string, peer, evenkeel []float64, budget float64) result {
	r := result{Row: row, What: what, Unit: "ms", Limit: median(peer), Evenkeel: median(evenkeel), Budget: budget, Faster: true}
	if r.Evenkeel > 0 {
		r.Ratio = r.Limit / r.Evenkeel
	}
	r.OK = budget == 0 || r.Ratio >= budget
	return r
}

// atMost bounds evenkeel's figure itself.
func atMost(row, what, unit string, evenkeel, budget float64) result {
	return result{Row: row, What: what, Unit: unit, Evenkeel: evenkeel, Budget: budget, Absolute: true, OK: evenkeel <= budget}
}

// blocked is a line that could not be measured, which is not to be well.
func blocked(row, what, why string) result {
	return result{Row: row, What: what, Unit: "ms", Blocked: why}
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func missed(rs []result) (n int) {
	for _, r := range rs {
		if !r.OK {
			n++
		}
	}
	return n
}

func table(rs []result) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "row\twhat\tlimit or peer\tevenkeel\tratio\tbudget\tok?")
	for _, r := range rs {
		limit, ratio := "-", "-"
		if r.Limit > 0 {
			limit, ratio = figure(r.Limit, r.Unit), fmt.Sprintf("%.2f", r.Ratio)
		}
		own := figure(r.Evenkeel, r.Unit)
		if r.Blocked != "" {
			own = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Row, r.What, limit, own, ratio, r.bound(), r.verdict())
	}
	_ = w.Flush() // into memory
	return b.String()
}

func (r result) bound() string {
	switch {
	case r.Budget == 0 && !r.Absolute:
		return "-"
	case r.Absolute:
		return "≤ " + figure(r.Budget, r.Unit)
	case r.Faster:
		return fmt.Sprintf("≥ %.1f × faster", r.Budget)
	}
	return fmt.Sprintf("≤ %.2f ×", r.Budget)
}

func (r result) verdict() string {
	switch {
	case r.Blocked != "":
		return "blocked: " + r.Blocked
	case !r.OK:
		return "MISSED"
	case r.Budget == 0 && !r.Absolute:
		return "-"
	}
	return "ok"
}

func figure(v float64, unit string) string {
	s := fmt.Sprintf("%.1f", v)
	if v != 0 && v < 10 {
		s = fmt.Sprintf("%.2f", v)
	}
	return strings.TrimSpace(strings.TrimSuffix(s, ".0") + " " + unit)
}

// readLines reads what the side inside prints: one JSON object a line.
func readLines(r io.Reader) (out []result, err error) {
	s := bufio.NewScanner(r)
	for s.Scan() {
		var one result
		if err := json.Unmarshal(s.Bytes(), &one); err != nil {
			return out, fmt.Errorf("read a result: %w: %q", err, s.Text())
		}
		out = append(out, one)
	}
	return out, s.Err()
}

func writeLines(path string, rs []result) error {
	var b strings.Builder
	e := json.NewEncoder(&b)
	for _, r := range rs {
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
