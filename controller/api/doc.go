// Package api is the controller's door: a unix socket on which the command
// line, and whoever may, asks how things stand and what was done.
//
// It renders with report and asks the controller through one small interface.
// Who asks is known by the socket's peer credentials, never by what they say:
// root and one group may change things, everybody else reads, and reads no
// content of a file that they could not read themselves.
package api
