// Package report says what the controller knows, to people and to programs:
// the Plan as a diff, the board, the history, objects with their conditions,
// the actuators. Each report is first a plain value whose JSON form is a
// contract, and then text, YAML, Markdown or HTML made from that value alone.
//
// It is pure: it reads no clock, no file and no terminal, so that every output
// can be held against a golden file. It imports desired, state and actuators
// for what it reports, a diff and a YAML library for how, and plan for the Picture
// by which it decides: what is well, and what rests on what, is found out once.
//
// Two promises hold for every output. What is declared sensitive appears only
// as changed, and of what somebody wrote by hand no diff shows a value that logs
// in. And no string from outside reaches a terminal unescaped: all text
// goes through Escape or EscapeLines.
package report
