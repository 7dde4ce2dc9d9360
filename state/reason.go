package state

import "slices"

// Reason says in one CamelCase word why a Step is done or a difference is held.
// Reasons are part of the interface: append only, each with its line in Reasons.
type Reason string

// Why something is done, or what is wrong.
const (
	NotRunning         Reason = "NotRunning"
	Failed             Reason = "Failed"
	StuckActivating    Reason = "StuckActivating"
	StuckDeactivating  Reason = "StuckDeactivating"
	UnitFileDrift      Reason = "UnitFileDrift"
	ForeignDropIn      Reason = "ForeignDropIn"
	DaemonReloadNeeded Reason = "DaemonReloadNeeded"
	NotEnabled         Reason = "NotEnabled"
	FileDrift          Reason = "FileDrift"
	StaleProcess       Reason = "StaleProcess"
	NotDeclared        Reason = "NotDeclared"
	LivenessFailed     Reason = "LivenessFailed"
	WrongService       Reason = "WrongService"
	Alert              Reason = "Alert"
	TaskDue            Reason = "TaskDue"
	RevisionBad        Reason = "RevisionBad"
	ByHand             Reason = "ByHand"
	NotStopped         Reason = "NotStopped"
	BootDrift          Reason = "BootDrift"
	NotReady           Reason = "NotReady"
	StartLimitHit      Reason = "StartLimitHit"
	Flapping           Reason = "Flapping"
	UnitInvalid        Reason = "UnitInvalid"
	EndpointDown       Reason = "EndpointDown"
	ReleaseDrift       Reason = "ReleaseDrift"
)

// Why something is not done.
const (
	ObserveOnly      Reason = "ObserveOnly"
	Suspended        Reason = "Suspended"
	ManualStop       Reason = "ManualStop"
	Masked           Reason = "Masked"
	DependencySick   Reason = "DependencySick"
	Backoff          Reason = "Backoff"
	BudgetSpent      Reason = "BudgetSpent"
	TooManySick      Reason = "TooManySick"
	OutsideWindow    Reason = "OutsideWindow"
	PendingRestart   Reason = "PendingRestart"
	AwaitingApproval Reason = "AwaitingApproval"
	Protected        Reason = "Protected"
	NotAllowed       Reason = "NotAllowed"
	Unobserved       Reason = "Unobserved"
	PackageManager   Reason = "PackageManager"
	HostStarting     Reason = "HostStarting"
	HostStopping     Reason = "HostStopping"
	KillSwitch       Reason = "KillSwitch"
	NewVersion       Reason = "NewVersion"
	StoreUntrusted   Reason = "StoreUntrusted"
	InProgress       Reason = "InProgress"
	Verifying        Reason = "Verifying"
	Shrunk           Reason = "Shrunk"
	Internal         Reason = "Internal"
	Escalated        Reason = "Escalated"
	RemedyWorse      Reason = "RemedyWorse"
	Interrupted      Reason = "Interrupted"
	DriftHold        Reason = "DriftHold"
	SystemdActing    Reason = "SystemdActing"
	Quarantined      Reason = "Quarantined"
	SourceRefused    Reason = "SourceRefused"
	DesiredInvalid   Reason = "DesiredInvalid"
	Overlap          Reason = "Overlap"
	Rolling          Reason = "Rolling"
)

// Reasons explains every Reason in one sentence, for `why`, for the manual and
// for whoever is woken by one.
var Reasons = map[Reason]string{
	NotRunning:         "The unit is declared running and is inactive.",
	Failed:             "The unit is declared running and systemd counts it as failed.",
	StuckActivating:    "The unit has been starting for longer than a start should take.",
	StuckDeactivating:  "The unit has been stopping for longer than a stop should take.",
	UnitFileDrift:      "The unit file or a declared drop-in is not as declared.",
	ForeignDropIn:      "A drop-in that nobody declared changes the unit.",
	DaemonReloadNeeded: "What systemd has loaded is older than what lies on disk.",
	NotEnabled:         "The unit is declared enabled at boot and is not.",
	FileDrift:          "A file that the service reads is not as declared.",
	StaleProcess:       "The running process was started with something older than what is declared.",
	NotDeclared:        "evenkeel created this, and it is no longer declared.",
	LivenessFailed:     "The liveness probe failed as often as its threshold allows.",
	WrongService:       "Something else answers where the service should.",
	Alert:              "An alert fires, and its runbook says what is done about it.",
	TaskDue:            "A scheduled task is due.",
	RevisionBad:        "The revision broke what was healthy before.",
	ByHand:             "A human asked for it.",
	NotStopped:         "The unit is declared stopped and is active.",
	BootDrift:          "The unit's state at boot (disabled, masked) is not as declared.",
	NotReady:           "The readiness probe fails.",
	StartLimitHit:      "systemd refuses further starts because there were too many.",
	Flapping:           "The unit goes up and down again and again.",
	UnitInvalid:        "systemd cannot load the unit (not found, a bad setting), or it is declared twice, by two of its names.",
	EndpointDown:       "An endpoint that is only observed does not answer as declared.",
	ReleaseDrift:       "The release that is current is not the declared one.",

	ObserveOnly:      "Policy or the service says observe: evenkeel tells and does not act.",
	Suspended:        "A human suspended it.",
	ManualStop:       "A human stopped the unit; that is respected until the hold ends.",
	Masked:           "A human masked the unit; a mask stands until it is lifted.",
	DependencySick:   "Something that it depends on is not well, and that comes first.",
	Backoff:          "The last attempt was too recent.",
	BudgetSpent:      "The limit of repairs in its time window is reached.",
	TooManySick:      "So much is sick at once that the cause must be elsewhere.",
	OutsideWindow:    "No change window is open.",
	PendingRestart:   "The process runs something older than what is declared, and a restart waits for its time or for a human.",
	AwaitingApproval: "Policy asks a human to approve this action.",
	Protected:        "The unit belongs to the protected set, which is never disturbed.",
	NotAllowed:       "The host's policy does not allow it.",
	Unobserved:       "What it rests on could not be read; nothing is done blindly.",
	PackageManager:   "A package manager is at work, or was a minute ago.",
	HostStarting:     "systemd is still starting the host.",
	HostStopping:     "The host is shutting down.",
	KillSwitch:       "/run/evenkeel/stop exists: nothing is done.",
	NewVersion:       "The first disruptive wish of a new version of evenkeel waits for approval.",
	StoreUntrusted:   "The record of the past is damaged, emptied or rolled back: evenkeel observes and tells.",
	InProgress:       "A step on it is under way.",
	Verifying:        "A step has ended and its effect is being watched.",
	Shrunk:           "The desired state lost more than policy's share at once.",
	Internal:         "Planning this object failed; that is a defect of evenkeel.",
	Escalated:        "Every remedy was tried; a human is needed.",
	RemedyWorse:      "A remedy made things worse; evenkeel stopped.",
	Interrupted:      "A step that must not happen twice was cut short; a human must look.",
	DriftHold:        "A change by hand is tolerated for a while.",
	SystemdActing:    "systemd itself is acting on the unit.",
	Quarantined:      "The revision was found bad and is not applied again.",
	SourceRefused:    "The source of desired state is not trusted.",
	DesiredInvalid:   "The new desired state is invalid; the last good one stays in force.",
	Overlap:          "The last run has not ended.",
	Rolling:          "Others of the same change come first, or one of them did not come up.",
}

// heldOrder is the order in which holds are named where several apply. The
// rest follow, in the order of the alphabet.
var heldOrder = []Reason{
	StoreUntrusted, KillSwitch, HostStopping, HostStarting, Protected, NotAllowed, Suspended, Masked, ManualStop,
	ObserveOnly, NewVersion, Unobserved, DependencySick, TooManySick, Escalated, RemedyWorse, BudgetSpent, Backoff,
}

// Rank orders reasons for holding: the lower, the earlier it is named.
func (r Reason) Rank() int {
	if i := slices.Index(heldOrder, r); i >= 0 {
		return i
	}
	return len(heldOrder)
}
