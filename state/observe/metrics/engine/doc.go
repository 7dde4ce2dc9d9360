// Package engine evaluates rules by Prometheus' own parts: its scraper, its head of
// series with a write-ahead log, its PromQL and its manager of rules, so that a rule
// means here what it means there. All of Prometheus' that evaluates is linked behind
// this one package, whose API is evenkeel's own.
//
// It runs in a child process without rights: what it parses are strangers' answers.
// It decides nothing; it says which alerts are active, and of each whether it rests
// on data that are there. What it cannot see, absent data and targets that do not
// answer, makes an alert Blind: it is shown, and is no ground for a change.
package engine
