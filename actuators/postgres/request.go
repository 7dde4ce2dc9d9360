package postgres

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// spec is a Database object with its secret in place.
type spec struct {
	Postgres *struct {
		DSN string `json:"dsn"`
	} `json:"postgres"`
}

// The states in which a session does nothing, as PostgreSQL names them. In the
// last a statement failed: it is in a transaction like the one before.
const (
	idle    = "idle"
	inTx    = "idle in transaction"
	aborted = "idle in transaction (aborted)"
)

var idleStates = []string{idle, inTx, aborted}

// wish is a request that makes sense.
type wish struct {
	dsn               string
	states            []string
	over              time.Duration
	application, user string // empty: whatever it is
	max               int
}

// parse checks a request. Its errors tell nothing of the content.
func (a *Actuator) parse(r actuators.Request) (wish, error) {
	if err := a.info.Check(r); err != nil {
		return wish{}, err
	}
	w := wish{states: idleStates, over: 10 * time.Minute, application: r.Args["application"], user: r.Args["user"], max: 50}
	var s spec
	d := json.NewDecoder(bytes.NewReader(r.Content))
	d.DisallowUnknownFields()
	if d.Decode(&s) != nil || s.Postgres == nil || s.Postgres.DSN == "" {
		return wish{}, actuators.Errorf(actuators.Invalid, "%s: its content is no Database with a DSN", r.Action)
	}
	w.dsn = s.Postgres.DSN
	if text, ok := r.Args["state"]; ok {
		w.states = nil
		for word := range strings.SplitSeq(text, ",") {
			switch word = strings.TrimSpace(word); word {
			case idle, aborted:
				w.states = append(w.states, word)
			case inTx:
				w.states = append(w.states, inTx, aborted)
			default:
				return wish{}, actuators.Errorf(actuators.Invalid, "%s: state %q: there are idle and idle in transaction; what works is never ended", r.Action, word)
			}
		}
		slices.Sort(w.states)
		w.states = slices.Compact(w.states)
	}
	if text, ok := r.Args["over"]; ok {
		var err error
		if w.over, err = time.ParseDuration(text); err != nil || w.over <= 0 {
			return wish{}, actuators.Errorf(actuators.Invalid, "%s: over %q: want a duration like 10m", r.Action, text)
		}
	}
	if text, ok := r.Args["max"]; ok {
		var err error
		if w.max, err = strconv.Atoi(text); err != nil || w.max < 1 || w.max > 10_000 {
			return wish{}, actuators.Errorf(actuators.Invalid, "%s: max %q: want a number from 1 to 10000", r.Action, text)
		}
	}
	return w, nil
}
