// Package journal asks systemd's journal why a unit is no longer active: a
// human's `systemctl stop` and a service that ended by itself leave the same
// properties behind, and often no properties at all, because systemd forgets a
// unit that nothing refers to. Only the journal tells them apart.
//
// It imports state for the vocabulary and runs journalctl: there is no reader
// of the journal's files in pure Go. One short run answers for any number of
// units; its output and its time are bounded.
package journal
