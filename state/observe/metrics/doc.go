// Package metrics brings what alert rules come to: which alerts are active, and what
// expressions in PromQL say. It has both from a child, this same program in another
// role without any rights, in which package engine reads targets and evaluates rules
// by Prometheus' own parts; nothing of Prometheus' is imported here.
//
// The child is started when there is something to evaluate, told what is wanted,
// bounded in memory and in what it may say, and begun anew, each time later, when it
// ends. While it is away every fact is an error. What targets say that only root can
// read, or what needs a secret, is collected here and handed to the child when its
// turn to read it comes.
package metrics
