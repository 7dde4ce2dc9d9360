package desired

import "encoding/json"

// ServiceSpec is what an operator declares of one systemd unit. Fields are as
// shared with users in docs/reference.md; a zero value means "not declared"
// only before defaults were applied.
type ServiceSpec struct {
	Hosts          []string       `json:"hosts,omitempty"`
	Unit           string         `json:"unit,omitempty"`
	Management     string         `json:"management,omitempty" enum:"observe,repair,enforce"`
	State          string         `json:"state,omitempty" enum:"running,stopped,ignored"`
	Boot           string         `json:"boot,omitempty" enum:"enabled,disabled,masked,ignored"`
	Replicas       *Replicas      `json:"replicas,omitempty"`
	Stateful       bool           `json:"stateful,omitempty"`
	UnitFile       *Content       `json:"unitFile,omitempty"`
	DropIns        []DropIn       `json:"dropIns,omitempty"`
	ForeignDropIns string         `json:"foreignDropIns,omitempty" enum:"enforce,warn,ignore"`
	AcceptDropIns  []string       `json:"acceptDropIns,omitempty"`
	Files          []File         `json:"files,omitempty"`
	Watch          []string       `json:"watch,omitempty"`
	RestartOn      *RestartOn     `json:"restartOn,omitempty"`
	Reload         bool           `json:"reload,omitempty"`
	Drift          *Drift         `json:"drift,omitempty"`
	ManualStop     *ManualStop    `json:"manualStop,omitempty"`
	OnRemove       string         `json:"onRemove,omitempty" enum:"release,stop,delete"`
	DependsOn      []Dependency   `json:"dependsOn,omitempty"`
	Severity       string         `json:"severity,omitempty" enum:"P1,P2,P3,P4"`
	Ports          map[string]int `json:"ports,omitempty"`
	LivenessProbe  *Probe         `json:"livenessProbe,omitempty"`
	ReadinessProbe *Probe         `json:"readinessProbe,omitempty"`
	StartupProbe   *Probe         `json:"startupProbe,omitempty"`
	Metrics        *Metrics       `json:"metrics,omitempty"`
	Remedies       []Do           `json:"remedies,omitempty"`
	Limits         *Limits        `json:"limits,omitempty"`
	Release        *Release       `json:"release,omitempty"`
}

// Replicas is how many instances of a template unit run: a fixed number, or
// bounds within which a runbook may scale.
type Replicas struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// UnmarshalJSON reads a number or {min, max}.
func (r *Replicas) UnmarshalJSON(b []byte) error {
	var n int
	if err := json.Unmarshal(b, &n); err == nil {
		r.Min, r.Max = n, n
		return nil
	}
	type plain Replicas
	return json.Unmarshal(b, (*plain)(r))
}

// MarshalJSON writes a number where the bounds are equal.
func (r Replicas) MarshalJSON() ([]byte, error) {
	if r.Min == r.Max {
		return json.Marshal(r.Min)
	}
	type plain Replicas
	return json.Marshal(plain(r))
}

// Content is text in place, or a file beside the YAML. Exactly one is set.
type Content struct {
	Source  string `json:"source,omitempty" oneof:"text"` // relative to the YAML file, inside the tree
	Content string `json:"content,omitempty" oneof:"text"`
}

// DropIn is a fragment that changes a unit without owning its file.
type DropIn struct {
	Name    string `json:"name"` // with or without .conf
	Source  string `json:"source,omitempty" oneof:"text"`
	Content string `json:"content,omitempty" oneof:"text"`
}

// File is a file that the service reads.
type File struct {
	Path      string `json:"path"`
	Source    string `json:"source,omitempty" oneof:"text"`
	Content   string `json:"content,omitempty" oneof:"text"`
	Host      bool   `json:"host,omitempty" oneof:"text"` // the content belongs to the host: watched, owner and mode kept
	Mode      string `json:"mode,omitempty"`              // octal, as a string: "0640". Default "0644", of an encrypted source "0600"
	Owner     string `json:"owner,omitempty"`             // default root
	Group     string `json:"group,omitempty"`             // default root
	Expand    bool   `json:"expand,omitempty"`            // variables in the content
	Sensitive bool   `json:"sensitive,omitempty"`         // shown only as changed
}

// MarshalJSON keeps content that is empty: that, too, is content.
func (f File) MarshalJSON() ([]byte, error) {
	type plain File
	if f.Content != "" || f.Source != "" || f.Host {
		return json.Marshal(plain(f))
	}
	return json.Marshal(struct {
		plain
		Content string `json:"content"`
	}{plain(f), ""})
}

// RestartOn says when a stale process is restarted, per cause.
type RestartOn struct {
	Unit       string `json:"unit,omitempty" enum:"now,window,manual"`
	Files      string `json:"files,omitempty" enum:"now,window,manual"`
	Watch      string `json:"watch,omitempty" enum:"now,window,manual"`
	Executable string `json:"executable,omitempty" enum:"now,window,manual"`
}

// Drift says what is done about a difference in files, drop-ins and enablement.
type Drift struct {
	Mode string   `json:"mode,omitempty" enum:"enforce,warn,ignore"`
	Hold Duration `json:"hold,omitempty"` // a change by hand is tolerated that long
}

// UnmarshalJSON reads a mode or {mode, hold}.
func (d *Drift) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &d.Mode) == nil {
		return nil
	}
	type plain Drift
	return json.Unmarshal(b, (*plain)(d))
}

// ManualStop says how long a human's stop is respected, and what comes then.
type ManualStop struct {
	Hold Duration `json:"hold,omitempty"`
	Then string   `json:"then,omitempty" enum:"restore,escalate"`
}

// Dependency is something that must come first.
type Dependency struct {
	Name string `json:"name"`                                 // a Service or an Endpoint
	Kind string `json:"kind,omitempty" enum:"requires,order"` // default requires
}

// UnmarshalJSON reads a name or {name, kind}.
func (d *Dependency) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &d.Name) == nil {
		return nil
	}
	type plain Dependency
	return json.Unmarshal(b, (*plain)(d))
}

// Probe asks whether something is well. Fields and defaults are Kubernetes';
// exactly one way of asking is set.
type Probe struct {
	HTTPGet   *HTTPGet   `json:"httpGet,omitempty" oneof:"handler"`
	TCPSocket *TCPSocket `json:"tcpSocket,omitempty" oneof:"handler"`
	Exec      *Exec      `json:"exec,omitempty" oneof:"handler"`
	GRPC      *GRPC      `json:"grpc,omitempty" oneof:"handler"`
	Redis     *Redis     `json:"redis,omitempty" oneof:"handler"`    // PING
	Postgres  *Postgres  `json:"postgres,omitempty" oneof:"handler"` // SELECT 1
	Unix      *Unix      `json:"unix,omitempty" oneof:"handler"`

	ExpectJSON          map[string]any `json:"expectJSON,omitempty"` // a mismatch is WrongService, never a restart
	InitialDelaySeconds int            `json:"initialDelaySeconds,omitempty"`
	PeriodSeconds       int            `json:"periodSeconds,omitempty"`    // default 10
	TimeoutSeconds      int            `json:"timeoutSeconds,omitempty"`   // default 1
	SuccessThreshold    int            `json:"successThreshold,omitempty"` // default 1
	FailureThreshold    int            `json:"failureThreshold,omitempty"` // default 3
}

// HTTPGet asks by HTTP.
type HTTPGet struct {
	URL         string   `json:"url,omitempty" oneof:"target"` // whole; for Endpoints. Else scheme, host, port and path
	Scheme      string   `json:"scheme,omitempty" enum:"HTTP,HTTPS"`
	Host        string   `json:"host,omitempty"` // default 127.0.0.1
	Port        *Port    `json:"port,omitempty" oneof:"target"`
	Path        string   `json:"path,omitempty"`
	HTTPHeaders []Header `json:"httpHeaders,omitempty"`
}

// Header is one HTTP header.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// TCPSocket asks by connecting.
type TCPSocket struct {
	Host string `json:"host,omitempty"`
	Port *Port  `json:"port"`
}

// Exec asks a program: exit 0 is well. No shell.
type Exec struct {
	Command []string `json:"command"`
}

// GRPC asks by the gRPC health protocol.
type GRPC struct {
	Port    *Port  `json:"port"`
	Service string `json:"service,omitempty"`
}

// Redis asks by PING; nothing set: 127.0.0.1:6379.
type Redis struct {
	Address string `json:"address,omitempty" oneof:"target?"` // host:port
	Port    *Port  `json:"port,omitempty" oneof:"target?"`    // on 127.0.0.1
}

// Postgres asks by SELECT 1; nothing set: 127.0.0.1:5432.
type Postgres struct {
	DSN  *Secret `json:"dsn,omitempty" oneof:"target?"`
	Host string  `json:"host,omitempty"` // default 127.0.0.1
	Port *Port   `json:"port,omitempty" oneof:"target?"`
}

// Unix asks by connecting to a socket in the file system.
type Unix struct {
	Path string `json:"path"`
}

// Metrics says where a service's metrics come from: its own Prometheus text, or a
// collector of evenkeel's for what has none, whose names are those of the well-known
// exporters.
type Metrics struct {
	HTTPGet     *HTTPGet     `json:"httpGet,omitempty" oneof:"source?"`     // Prometheus text or OpenMetrics
	Redis       *Redis       `json:"redis,omitempty" oneof:"source?"`       // INFO
	Postgres    *Postgres    `json:"postgres,omitempty" oneof:"source?"`    // pg_stat_activity, max_connections
	Nginx       *HTTPGet     `json:"nginx,omitempty" oneof:"source?"`       // a page of stub_status
	Meilisearch *Meilisearch `json:"meilisearch,omitempty" oneof:"source?"` // its tasks

	Certificates *Certificates `json:"certificates,omitempty"` // beside any of these, or alone
	Interval     Duration      `json:"interval,omitempty"`     // default 15s
}

// Meilisearch says how its API is reached.
type Meilisearch struct {
	Host string  `json:"host,omitempty"` // default 127.0.0.1
	Port *Port   `json:"port,omitempty"` // default 7700
	Key  *Secret `json:"key,omitempty"`
}

// Certificates are watched for when they expire.
type Certificates struct {
	Files     []string `json:"files,omitempty"`     // PEM, by absolute path; patterns of filepath.Match
	Endpoints []string `json:"endpoints,omitempty"` // host:port that speak TLS
}

// Do is one rung of a ladder: of remedies, of a runbook, of a task.
type Do struct {
	Do      string         `json:"do,omitempty" oneof:"rung"`     // ACTUATOR.VERB, or a short name
	Gather  string         `json:"gather,omitempty" oneof:"rung"` // a collector of evidence
	Ask     string         `json:"ask,omitempty" oneof:"rung"`    // a question to a human
	With    map[string]any `json:"with,omitempty"`
	Settle  Duration       `json:"settle,omitempty"` // how long its effect may take
	Verify  *Verify        `json:"verify,omitempty"`
	Owner   string         `json:"owner,omitempty"`                 // who answers Ask
	Approve string         `json:"approve,omitempty" enum:"always"` // of a do: it waits for a human, whatever the host's policy says
	When    string         `json:"when,omitempty"`                  // PromQL, in runbooks: where its result is empty the rung is passed over
}

// Verify is how the effect of a rung is judged.
type Verify struct {
	Expr   string   `json:"expr"`
	Within Duration `json:"within,omitempty"`
}

// Limits bounds repairs.
type Limits struct {
	Restarts int        `json:"restarts"`
	Per      Duration   `json:"per"`
	Backoff  []Duration `json:"backoff"`
}

// Release is a deployment by version: the symlink `current`, beside `dir`, leads to
// the folder of that name in it.
type Release struct {
	Dir     string `json:"dir"`     // the folder that holds the releases, each in a folder of its own
	Version string `json:"version"` // the name of the one to run
}
