package desired

import "encoding/json"

// DefaultsSpec gives part of a Service spec to every Service that matches. More
// matchers win over fewer; a tie is an error.
type DefaultsSpec struct {
	Match   []string    `json:"match,omitempty"`
	Service ServiceSpec `json:"service"`
}

// EnvironmentSpec is one environment, as data.
type EnvironmentSpec struct {
	Branch        string            `json:"branch,omitempty"`
	Domain        string            `json:"domain,omitempty"`
	Hosts         []string          `json:"hosts,omitempty"`
	Vars          map[string]string `json:"vars,omitempty"`
	SeverityFloor string            `json:"severityFloor,omitempty" enum:"P1,P2,P3,P4"`
	ConfirmAfter  Duration          `json:"confirmAfter,omitempty"`
	Verify        *Argv             `json:"verify,omitempty"`
}

// Argv is a command without a shell.
type Argv struct {
	Argv []string `json:"argv"`
}

// EndpointSpec is something outside that is observed and never acted on.
type EndpointSpec struct {
	Probe    Probe  `json:"probe"`
	Severity string `json:"severity,omitempty" enum:"P1,P2,P3,P4"`
}

// AlertRulesSpec holds Prometheus rule groups as they are.
type AlertRulesSpec struct {
	Groups     []json.RawMessage `json:"groups,omitempty"`
	Prometheus *Prometheus       `json:"prometheus,omitempty"` // who evaluates them; absent: evenkeel itself
}

// Prometheus is one that is there already. Groups beside it are evaluated with its
// data; without groups its own alerts are taken as they are.
type Prometheus struct {
	URL         string   `json:"url"`
	BearerToken *Secret  `json:"bearerToken,omitempty"`
	Match       []string `json:"match,omitempty"` // of its alerts those of this host; none: all
}

// RunbookSpec is a ladder for alerts.
type RunbookSpec struct {
	Match  []string     `json:"match"`
	Steps  []Do         `json:"steps"`
	Limits *RunbookRuns `json:"limits,omitempty"`
	Drill  *Drill       `json:"drill,omitempty"` // how it is tried on a disposable host; nothing of it is done anywhere else
}

// Drill is how a runbook is tried on a disposable host, before it is needed.
type Drill struct {
	Cause  Exec     `json:"cause"`            // brings the alert about; no shell
	Alert  string   `json:"alert,omitempty"`  // the alertname that is to fire; none: the first that the runbook is for
	Within Duration `json:"within,omitempty"` // how long it may take to fire; none: what its rule says, and two minutes
}

// RunbookRuns bounds how often a runbook runs.
type RunbookRuns struct {
	Runs int      `json:"runs"`
	Per  Duration `json:"per"`
}

// TaskSpec is scheduled work.
type TaskSpec struct {
	Schedule    string   `json:"schedule"`
	TimeZone    string   `json:"timeZone,omitempty"`
	CatchUp     string   `json:"catchUp,omitempty" enum:"skip,once"`
	Lateness    Duration `json:"lateness,omitempty"`
	Deadline    Duration `json:"deadline,omitempty"`
	Concurrency string   `json:"concurrency,omitempty" enum:"forbid,allow"`
	Scope       string   `json:"scope,omitempty" enum:"host,fleet"`
	Steps       []Do     `json:"steps"`
}

// ChangeWindowSpec is a recurring span of time in which changes are allowed, or
// are not.
type ChangeWindowSpec struct {
	Allow    bool     `json:"allow"`              // false: changes are forbidden meanwhile
	Schedule string   `json:"schedule"`           // when it opens: a cron expression
	Duration Duration `json:"duration"`           // how long it stays open
	TimeZone string   `json:"timeZone,omitempty"` // of Schedule, as IANA names it; empty: UTC
	Match    []string `json:"match,omitempty"`    // matchers of Services; none: all of them
}

// ReceiverSpec is somebody who is told. Exactly one is set.
type ReceiverSpec struct {
	Slack   *Slack   `json:"slack,omitempty" oneof:"receiver"`
	Webhook *Webhook `json:"webhook,omitempty" oneof:"receiver"`
	Email   *Email   `json:"email,omitempty" oneof:"receiver"`
}

// Slack is an incoming webhook of Slack's.
type Slack struct {
	WebhookURL Secret `json:"webhookURL"`
	Channel    string `json:"channel,omitempty"`
}

// Webhook is anything that takes a POST.
type Webhook struct {
	URL Secret `json:"url"`
}

// Email is a mailbox.
type Email struct {
	To   []string `json:"to"`
	SMTP Secret   `json:"smtp"`
}

// RouteSpec says who is told of what.
type RouteSpec struct {
	Match     []string `json:"match,omitempty"`
	Receivers []string `json:"receivers"`
	Within    Duration `json:"within,omitempty"`
	Escalate  []string `json:"escalate,omitempty"`
	Default   bool     `json:"default,omitempty"`
}

// CacheSpec is something that can be flushed.
type CacheSpec struct {
	Redis *RedisCache `json:"redis,omitempty" oneof:"cache"`
	Nginx *NginxCache `json:"nginx,omitempty" oneof:"cache"`
}

// RedisCache is part of a Redis database.
type RedisCache struct {
	Address  string   `json:"address"`
	DB       int      `json:"db,omitempty"`
	Patterns []string `json:"patterns,omitempty"`
	Whole    bool     `json:"whole,omitempty"` // the whole database may be flushed
}

// NginxCache is a folder of cached responses.
type NginxCache struct {
	Path string `json:"path"`
}

// DatabaseSpec is a database whose sessions may be looked after.
type DatabaseSpec struct {
	Postgres *PostgresDB `json:"postgres"`
}

// PostgresDB says how to reach a PostgreSQL.
type PostgresDB struct {
	DSN Secret `json:"dsn"`
}

// ActuatorSpec is a plugin of the operator's own.
type ActuatorSpec struct {
	Path   string         `json:"path"`
	SHA256 string         `json:"sha256"`
	Config map[string]any `json:"config,omitempty"`
	User   string         `json:"user,omitempty"`
}
