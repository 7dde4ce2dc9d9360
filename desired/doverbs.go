package desired

import "slices"

// wordKind is what a key under `with` takes.
type wordKind int

const (
	freely       wordKind = iota // whatever it is
	written                      // a text that is not empty
	number                       // a whole number, 1 or more
	whole                        // any whole number but 0
	flag                         // true or false
	share                        // 20%
	span                         // a duration
	size                         // 500M, 1G
	command                      // a list: an absolute path, and arguments
	states                       // idle, idle in transaction, or a list of both
	cacheName                    // the name of a Cache
	dbName                       // the name of a Database
	svcName                      // the name of a Service
	endpointName                 // the name of an Endpoint
)

// withKey is one key under `with`.
type withKey struct {
	name string
	kind wordKind
	need bool
}

// doVerb is one thing that a rung may do.
type doVerb struct {
	actuator, verb string // no actuator: evenkeel's own doing
	target         string // the key that becomes the target
	with           []withKey
	open           bool // it takes other keys, too
	whose          bool // in runbooks and tasks it takes service: whom it acts on
}

// doVerbs are all but those of plugins, by what is written after `do`.
var doVerbs = map[string]doVerb{
	"restart":         {actuator: "systemd", verb: "restart", whose: true},
	"start":           {actuator: "systemd", verb: "start", whose: true},
	"stop":            {actuator: "systemd", verb: "stop", whose: true},
	"reload":          {actuator: "systemd", verb: "reload", whose: true},
	"systemd.restart": {actuator: "systemd", verb: "restart", whose: true},
	"systemd.start":   {actuator: "systemd", verb: "start", whose: true},
	"systemd.stop":    {actuator: "systemd", verb: "stop", whose: true},
	"systemd.reload":  {actuator: "systemd", verb: "reload", whose: true},
	"rollback":        {verb: "rollback"},
	"escalate":        {verb: "escalate", open: true},
	"failover":        {verb: "failover", whose: true, with: []withKey{{"to", svcName, true}, {"upstream", written, false}, {"standby", written, false}, {"drain", span, false}}},
	"scale":           {verb: "scale", whose: true, with: []withKey{{"by", whole, false}, {"to", number, false}}},
	"notify.send":     {actuator: "notify", verb: "send", open: true},
	"git.revert":      {actuator: "git", verb: "revert", with: []withKey{{"why", written, false}}}, // what is reverted, and where, is known when it is done
	"journal.vacuum":  {actuator: "journal", verb: "vacuum", with: []withKey{{"size", size, true}}},
	"exec.run":        {actuator: "exec", verb: "run", target: "argv", with: []withKey{{"argv", command, true}, {"timeout", span, false}}},
	"cache.flush":     {actuator: "cache", verb: "flush", target: "cache", with: []withKey{{"cache", cacheName, true}, {"maxShare", share, false}, {"pattern", written, false}, {"idle", span, false}, {"noTTL", flag, false}}},
	"postgres.terminate": {
		actuator: "postgres", verb: "terminate", target: "database",
		with: []withKey{
			{"database", dbName, true},
			{"state", states, false},
			{"over", span, false},
			{"application", written, false},
			{"user", written, false},
			{"max", number, false},
		},
	},
}

// whoseKey names the service that a rung acts on, where it is not its own.
var whoseKey = withKey{"service", svcName, false}

// keys are what the verb takes; own says that it stands in a Service's own remedies,
// which act on that Service.
func (v doVerb) keys(own bool) []withKey {
	if v.whose && !own {
		return append(slices.Clip(v.with), whoseKey)
	}
	return v.with
}

// kind is what a key takes.
func (v doVerb) kind(key string) wordKind {
	for _, k := range v.keys(false) {
		if k.name == key {
			return k.kind
		}
	}
	return freely
}
