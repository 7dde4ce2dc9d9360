package systemd

import (
	"errors"

	"github.com/pakashop/evenkeel/actuators"
)

const errNoSuchUnit = "org.freedesktop.systemd1.NoSuchUnit"

// kinds maps D-Bus error names, never texts, to what a caller should do.
var kinds = map[string]actuators.Kind{
	errNoSuchUnit: actuators.NotFound,
	"org.freedesktop.systemd1.NoSuchUnitFile": actuators.NotFound,
	"org.freedesktop.DBus.Error.FileNotFound": actuators.NotFound,

	"org.freedesktop.systemd1.UnitMasked":                         actuators.Refused,
	"org.freedesktop.systemd1.OnlyByDependency":                   actuators.Refused,
	"org.freedesktop.systemd1.UnitGenerated":                      actuators.Refused,
	"org.freedesktop.DBus.Error.AccessDenied":                     actuators.Refused,
	"org.freedesktop.DBus.Error.AuthFailed":                       actuators.Refused,
	"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired": actuators.Refused,
	"org.freedesktop.systemd1.TransactionIsDestructive":           actuators.Conflict,
	"org.freedesktop.systemd1.TransactionJobsConflicting":         actuators.Conflict,
	"org.freedesktop.systemd1.ShuttingDown":                       actuators.Conflict,
	"org.freedesktop.systemd1.UnitBusy":                           actuators.Conflict,
	"org.freedesktop.systemd1.UnitExists":                         actuators.Conflict,
	"org.freedesktop.DBus.Error.FileExists":                       actuators.Conflict,
	"System.Error.EEXIST":                                         actuators.Conflict,
	"org.freedesktop.systemd1.JobTypeNotApplicable":               actuators.Invalid,
	"org.freedesktop.DBus.Error.InvalidArgs":                      actuators.Invalid,
	"org.freedesktop.systemd1.LoadFailed":                         actuators.Failed,
	"org.freedesktop.systemd1.BadUnitSetting":                     actuators.Failed,
	"org.freedesktop.systemd1.TransactionOrderIsCyclic":           actuators.Failed,
	"org.freedesktop.DBus.Error.NoServer":                         actuators.Unavailable,
	"org.freedesktop.DBus.Error.ServiceUnknown":                   actuators.Unavailable,
	"org.freedesktop.DBus.Error.NameHasNoOwner":                   actuators.Unavailable,
	"org.freedesktop.DBus.Error.LimitsExceeded":                   actuators.Unavailable,
	"org.freedesktop.DBus.Error.Disconnected":                     actuators.Unknown,
	"org.freedesktop.DBus.Error.NoReply":                          actuators.Unknown,
	"org.freedesktop.DBus.Error.Timeout":                          actuators.Timeout,
	"org.freedesktop.DBus.Error.TimedOut":                         actuators.Timeout,
}

// busName is the D-Bus name of an error, or "".
func busName(err error) string {
	var named interface{ BusName() string }
	if errors.As(err, &named) {
		return named.BusName()
	}
	return ""
}

// classify gives an error its Kind and says which action it belongs to.
func classify(action actuators.Action, err error) error {
	var own *actuators.Error
	if errors.As(err, &own) {
		return actuators.Errorf(own.Kind, "%s %s: %w", action.Verb, action.Target, own.Err)
	}
	name := busName(err)
	if k, ok := kinds[name]; ok {
		return actuators.Errorf(k, "%s %s: %w", action.Verb, action.Target, err)
	}
	if name != "" {
		// systemd answered: it knows the request and did not carry it out.
		return actuators.Errorf(actuators.Failed, "%s %s: %s: %w", action.Verb, action.Target, name, err)
	}
	return actuators.Errorf(actuators.KindOf(err), "%s %s: %w", action.Verb, action.Target, err)
}
