package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
)

// subject is the actuator on an empty folder, with a request for each verb.
func subject(t *testing.T) actuatortest.Subject {
	dir := t.TempDir()
	line := func(verb, target, text string) actuators.Request {
		a := actuators.Action{Actuator: "motd", Verb: verb, Target: target}
		if text != "" {
			a.Args = map[string]string{"text": text}
		}
		return actuators.Request{Action: a}
	}
	look := func(name string) func(*testing.T) string {
		return func(t *testing.T) string {
			text, err := os.ReadFile(filepath.Join(dir, name))
			return fmt.Sprintf("%q %v", text, err == nil)
		}
	}
	write := func(name string) func(*testing.T) {
		return func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("Old news.\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return actuatortest.Subject{
		Actuator: New(Config{Folder: dir}),
		Config:   map[string]any{"folder": dir},
		Samples: []actuatortest.Sample{
			{Name: "new", Request: line("set", "new", "Maintenance on Friday."), Look: look("new")},
			{Name: "other", Request: line("set", "old", "Maintenance is over."), Before: write("old"), Look: look("old")},
			{Request: line("clear", "gone", ""), Before: write("gone"), Look: look("gone")},
		},
		Failing: []actuatortest.Failing{
			{Name: "outside of the folder", Request: line("set", "../passwd", "x"), Kind: actuators.Invalid},
			{Name: "two lines", Request: line("set", "two", "a\nb"), Kind: actuators.Invalid},
			{Name: "the folder is gone", Request: line("set", "new", "x"), Kind: actuators.NotFound, Before: func(t *testing.T) {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			}},
		},
	}
}

func TestContract(t *testing.T) { actuatortest.Run(t, subject) }

func TestPlugin(t *testing.T) {
	program := actuatortest.Build(t, ".")
	actuatortest.RunProcess(t, actuatortest.Program(t, "motd", program), subject)
}
