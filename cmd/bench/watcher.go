package main

import (
	"strings"

	"github.com/godbus/dbus/v5"
)

// watcher is the limit of row A: a program that hears of a unit that failed or
// became inactive, and starts it at once. It decides nothing, checks nothing,
// remembers nothing.
func watcher(args []string) error {
	const units = managerPath + "/unit/"
	s, err := connect(
		dbus.WithMatchInterface("org.freedesktop.DBus.Properties"), dbus.WithMatchMember("PropertiesChanged"),
		dbus.WithMatchPathNamespace(managerPath+"/unit"), dbus.WithMatchArg(0, destination+".Unit"),
	)
	if err != nil {
		return err
	}
	names := make(map[string]string) // by the last part of a unit's path
	for _, n := range unitNames(declaredServices) {
		names[strings.NewReplacer("-", "_2d", ".", "_2e").Replace(n)] = n
	}
	for sig := range s.signals {
		unit := names[strings.TrimPrefix(string(sig.Path), units)]
		if unit == "" || len(sig.Body) < 2 {
			continue
		}
		changed, _ := sig.Body[1].(map[string]dbus.Variant)
		switch changed["ActiveState"].Value() {
		case "failed", "inactive":
			s.manager.Go(managerName+".StartUnit", dbus.FlagNoReplyExpected, nil, unit, "replace")
		}
	}
	return nil
}
