package state

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Digest is how content is named everywhere: SHA-256 in hexadecimal.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	return string(text[:])
}

func equalUnit(a, b Unit) bool {
	if !slices.Equal(a.Names, b.Names) || !slices.Equal(a.DropIns, b.DropIns) || !slices.Equal(a.TriggeredBy, b.TriggeredBy) {
		return false
	}
	return a.ID == b.ID && a.Load == b.Load && a.Active == b.Active && a.Sub == b.Sub && a.Boot == b.Boot &&
		a.NeedReload == b.NeedReload && a.Job == b.Job &&
		a.Type == b.Type && a.Remain == b.Remain && a.Restart == b.Restart && a.CanReload == b.CanReload &&
		a.Result == b.Result && a.Condition == b.Condition && a.ConditionAt.Equal(b.ConditionAt) && a.Fragment == b.Fragment &&
		a.Invocation == b.Invocation && a.MainPID == b.MainPID && a.Exe == b.Exe && a.ExeStale == b.ExeStale &&
		a.Restarts == b.Restarts && a.Changed == b.Changed && a.Entered == b.Entered && a.Exited == b.Exited && a.Rested == b.Rested &&
		a.Stop == b.Stop && a.StoppedFor == b.StoppedFor
}

func equalDir(a, b Dir) bool {
	return a.Exists == b.Exists && slices.Equal(a.Names, b.Names) && a.Changed.Equal(b.Changed)
}
