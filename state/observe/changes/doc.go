// Package changes asks a host what was changed on it, by whomever: packages,
// unit and configuration files, certificates, logins and sudo, systemctl by
// hand, reboots. Each source is a file of its own; all answer with rows of one
// type, and a source that cannot be read does not spoil the others.
//
// It reads logs and files, and runs journalctl and rpm: there is no other
// reader of what these keep. What evenkeel itself did is not here: it has a
// record of that.
package changes
