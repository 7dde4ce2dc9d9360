package main

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/pakashop/evenkeel/controller/api"
)

// The exit codes are part of the interface.
const (
	exitDiffers = 1 // what was asked did not come about, or there is a difference
	exitTrouble = 2 // usage, no permission, no systemd
	exitFail    = 3 // status: something fails
	exitUnknown = 4 // no such object
)

// exit ends the program with a code; err is what to say, nil for nothing.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

func trouble(err error) error { return &exit{exitTrouble, err} }

// hint adds how to mend what people meet most.
func hint(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission) && !strings.Contains(err.Error(), "sudo"):
		return errors.New(err.Error() + "; try sudo")
	case errors.Is(err, api.ErrNone):
		return errors.New(err.Error() + "; start one with: evenkeel run -f PATH, or give -f PATH to look without one")
	}
	return err
}
