// Package secrets reads the values to which desired state only refers: passwords
// and addresses that hold one never lie in git.
//
// A value is handed to whoever needs it and kept nowhere. An error says what to
// mend, and never holds a value.
package secrets
