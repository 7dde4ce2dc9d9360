package hand_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

var now = state.Time{Wall: time.Unix(1e9, 0).UTC(), Up: time.Hour, Boot: "b1"}

// scene is a host with db ← web, which run, and edge, which is declared stopped;
// all of that is changed by f.
func scene(f func(*hand.Scene)) hand.Scene {
	ids := 0
	service := func(name, tier string) desired.Service {
		return desired.Service{
			Name: name, Labels: map[string]string{"tier": tier}, Units: []string{name + ".service"},
			Spec: desired.ServiceSpec{Management: desired.Enforce, State: desired.Running},
		}
	}
	s := hand.Scene{
		Want: &desired.Set{
			Host: desired.Host{Name: "app-1"}, Policy: desired.BuiltInPolicy(),
			Services: []desired.Service{service("db", "core"), service("web", "core"), service("edge", "edge")},
		},
		Have: state.World{Units: map[string]state.Fact[state.Unit]{}, Files: map[string]state.Fact[state.File]{}},
		Past: state.NewPast(), Now: now,
		NewID: func() string { ids++; return fmt.Sprint("ask-", ids) },
	}
	s.Want.Services[2].Spec.State = desired.Stopped
	s.Have.Units["web.service"] = state.Fact[state.Unit]{At: now, Value: state.Unit{Active: "active"}}
	if f != nil {
		f(&s)
	}
	return s
}

// keeps has one displaced version of a file of web.
func keeps(s *hand.Scene) {
	s.Kept = func(id string) (state.Kept, error) {
		if id != "3f2a" {
			return state.Kept{}, errors.New("no displaced version " + id)
		}
		return state.Kept{ID: id, Object: "Service/web", Path: "/etc/web.env"}, nil
	}
}

func with(s *hand.Scene, n state.Note) { s.Past.Fold(state.Entry{At: s.Now, Note: &n}) }

func placed(s *hand.Scene, h state.Hold) {
	with(s, state.Note{Kind: state.NoteHold, Object: h.Object, Hold: &h})
}

// tell is a Note in a line, for comparing.
func tell(n state.Note) string {
	parts := []string{string(n.Kind)}
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	add(n.Object)
	add(n.Name)
	if n.Ask != nil {
		add(strings.TrimSpace(n.Ask.ID + " " + n.Ask.Verb + " " + strings.Join(n.Ask.Units, ",")))
	}
	if n.Hold != nil {
		add(string(n.Hold.Reason))
		if n.Kind == state.NoteHold {
			add(n.Hold.For.String())
		}
		if n.Hold.Stop {
			add("with a stop")
		}
	}
	if n.Ran != nil {
		add("forgets that it ran")
	}
	if n.Silence != nil {
		add(n.Silence.ID + " " + strings.Join(n.Silence.Matchers, ",") + " " + n.Silence.For.String())
	}
	add(n.Detail)
	return strings.Join(parts, " ")
}

func tellAll(notes []state.Note) (out []string) {
	for _, n := range notes {
		out = append(out, tell(n))
	}
	return out
}

// Each verb writes down what it means, for each object that was named, in the
// order of dependencies, and nothing else.
func TestWhatAVerbMeans(t *testing.T) {
	suspended := state.Hold{Reason: state.Suspended, Object: "Service/web", Since: now, For: 2 * time.Hour, Detail: "web is suspended by hand"}
	byStop := suspended
	byStop.Stop = true
	manual := state.Hold{Reason: state.ManualStop, Object: "Service/web", Unit: "web.service", Since: now, For: time.Hour}
	cases := []struct {
		name    string
		scene   func(*hand.Scene)
		request hand.Request
		want    []string
		asks    int
		says    string
	}{
		{name: "restart", request: hand.Request{Verb: hand.Restart, Objects: []string{"Service/web"}}, want: []string{"asked Service/web ask-1 restart web.service"}, asks: 1},
		{name: "reload", request: hand.Request{Verb: hand.Reload, Objects: []string{"Service/web"}}, want: []string{"asked Service/web ask-1 reload web.service"}, asks: 1},
		{name: "start", request: hand.Request{Verb: hand.Start, Objects: []string{"Service/web"}}, want: []string{"asked Service/web ask-1 start web.service"}, asks: 1},
		{
			name: "stop suspends as well, an hour", request: hand.Request{Verb: hand.Stop, Objects: []string{"Service/web"}},
			want: []string{"hold Service/web Suspended 1h0m0s with a stop", "asked Service/web ask-1 stop web.service"}, asks: 1, says: "evenkeel resume web",
		},
		{
			name: "stop --for", request: hand.Request{Verb: hand.Stop, Objects: []string{"Service/web"}, For: 3 * time.Hour},
			want: []string{"hold Service/web Suspended 3h0m0s with a stop", "asked Service/web ask-1 stop web.service"}, asks: 1, says: "3h",
		},
		{
			name: "stop within a longer suspension leaves that as it is", scene: func(s *hand.Scene) { placed(s, suspended) },
			request: hand.Request{Verb: hand.Stop, Objects: []string{"Service/web"}},
			want:    []string{"asked Service/web ask-1 stop web.service"}, asks: 1, says: "web is suspended by hand",
		},
		{
			name: "stop within a shorter suspension makes it longer, and a start does not end it", scene: func(s *hand.Scene) { placed(s, suspended) },
			request: hand.Request{Verb: hand.Stop, Objects: []string{"Service/web"}, For: 5 * time.Hour},
			want:    []string{"hold Service/web Suspended 5h0m0s", "asked Service/web ask-1 stop web.service"}, asks: 1,
		},
		{
			name: "a second stop is as long as it says", scene: func(s *hand.Scene) { placed(s, byStop) },
			request: hand.Request{Verb: hand.Stop, Objects: []string{"Service/web"}},
			want:    []string{"hold Service/web Suspended 1h0m0s with a stop", "asked Service/web ask-1 stop web.service"}, asks: 1,
		},
		{
			name: "start ends what a stop had placed", scene: func(s *hand.Scene) { placed(s, byStop) },
			request: hand.Request{Verb: hand.Start, Objects: []string{"Service/web"}},
			want:    []string{"lifted Service/web Suspended with a stop lifted by hand", "asked Service/web ask-1 start web.service"}, asks: 1,
		},
		{
			name: "start leaves a suspension", scene: func(s *hand.Scene) { placed(s, suspended) },
			request: hand.Request{Verb: hand.Start, Objects: []string{"Service/web"}},
			want:    []string{"asked Service/web ask-1 start web.service"}, asks: 1,
		},
		{
			name: "start ends a stop that was respected; the same stop is not taken for a new one",
			scene: func(s *hand.Scene) {
				placed(s, manual)
				s.Have.Units["web.service"] = state.Fact[state.Unit]{At: now, Value: state.Unit{Active: "inactive"}}
			},
			request: hand.Request{Verb: hand.Restart, Objects: []string{"Service/web"}},
			want:    []string{"lifted Service/web web.service ManualStop forgets that it ran lifted by hand", "asked Service/web ask-1 restart web.service"}, asks: 1,
		},
		{
			name: "start of what is declared stopped leaves it running for an hour", request: hand.Request{Verb: hand.Start, Objects: []string{"Service/edge"}},
			want: []string{"hold Service/edge Suspended 1h0m0s with a stop", "asked Service/edge ask-1 start edge.service"}, asks: 1,
		},
		{
			name: "a stop takes back a restart that has not begun",
			scene: func(s *hand.Scene) {
				with(s, state.Note{Kind: state.NoteAsked, Object: "Service/web", Ask: &state.Ask{ID: "old", Object: "Service/web", Verb: hand.Restart, Units: []string{"web.service"}, At: now}})
			},
			request: hand.Request{Verb: hand.Stop, Objects: []string{"Service/web"}},
			want: []string{
				"answered Service/web old stop was asked for after it", "hold Service/web Suspended 1h0m0s with a stop", "asked Service/web ask-1 stop web.service",
			}, asks: 1,
		},
		{
			name: "a second restart waits beside the first, and another's stop goes on",
			scene: func(s *hand.Scene) {
				for id, o := range map[string]string{"old": "Service/web", "theirs": "Service/db"} {
					verb := map[string]string{"old": hand.Restart, "theirs": hand.Stop}[id]
					with(s, state.Note{Kind: state.NoteAsked, Object: o, Ask: &state.Ask{ID: id, Object: o, Verb: verb, Units: []string{"x.service"}, At: now}})
				}
			},
			request: hand.Request{Verb: hand.Restart, Objects: []string{"Service/web"}},
			want:    []string{"asked Service/web ask-1 restart web.service"}, asks: 1,
		},
		{
			name: "several, each once, in the order of dependencies", request: hand.Request{Verb: hand.Restart, Objects: []string{"Service/web", "Service/db", "Service/web"}},
			want: []string{"asked Service/db ask-1 restart db.service", "asked Service/web ask-2 restart web.service"}, asks: 2,
		},
		{
			name: "by labels", request: hand.Request{Verb: hand.Restart, Select: "tier=core"},
			want: []string{"asked Service/db ask-1 restart db.service", "asked Service/web ask-2 restart web.service"}, asks: 2,
		},
		{
			name: "by labels and by name", request: hand.Request{Verb: hand.Retry, Select: `tier="edge"`, Objects: []string{"Service/db"}},
			want: []string{"retried Service/db db.service", "retried Service/edge edge.service"}, says: "begin anew",
		},
		{
			name: "retry where the host's budget is spent: the next repair passes it", scene: func(s *hand.Scene) {
				s.Want.Policy.Budgets.Disruptive = 2
				s.Past.Upheaval = []state.Time{now, now}
			},
			request: hand.Request{Verb: hand.Retry, Objects: []string{"Service/web"}},
			want:    []string{"retried Service/web web.service", "let Service/web web.service"},
			says:    "this host's 2 disruptive repairs within 10m are used up, and hold the others; its next repair passes that, once, within 1h",
		},
		{
			name: "all", request: hand.Request{Verb: hand.Retry, All: true},
			want: []string{"retried Service/db db.service", "retried Service/web web.service", "retried Service/edge edge.service"},
		},
		{
			name: "restart --pending", scene: func(s *hand.Scene) {
				s.Plan.Held = []state.Held{{Object: "Service/web", Reason: state.PendingRestart}, {Object: "Service/db", Reason: state.Backoff}}
			},
			request: hand.Request{Verb: hand.Restart, Pending: true}, want: []string{"asked Service/web ask-1 restart web.service"}, asks: 1,
		},
		{name: "restart --pending where nothing is", request: hand.Request{Verb: hand.Restart, Pending: true}, says: "no service waits to be restarted"},
		{
			name: "suspend", request: hand.Request{Verb: hand.Suspend, Objects: []string{"Service/web"}, For: 24 * time.Hour, Why: "debugging", Actor: "anna"},
			want: []string{"hold Service/web Suspended 24h0m0s"}, says: "web is suspended by anna: debugging; it ends after 1d, or with: evenkeel resume web",
		},
		{
			name: "suspend the host", request: hand.Request{Verb: hand.Suspend, Objects: []string{hand.Host}},
			want: []string{"hold Host/app-1 Suspended 1h0m0s"}, says: "evenkeel resume host",
		},
		{
			name: "suspend the host by its name, beside a service", request: hand.Request{Verb: hand.Suspend, Objects: []string{"Service/web", "Host/app-1"}},
			want: []string{"hold Host/app-1 Suspended 1h0m0s", "hold Service/web Suspended 1h0m0s"},
		},
		{
			name: "resume lifts all that a human placed",
			scene: func(s *hand.Scene) {
				placed(s, suspended)
				placed(s, manual)
				s.Past.Released["Service/web"] = now
			},
			request: hand.Request{Verb: hand.Resume, Objects: []string{"Service/web"}},
			want:    []string{"lifted Service/web web.service ManualStop lifted by hand", "lifted Service/web Suspended lifted by hand", "taken Service/web"}, says: "in evenkeel's hands again",
		},
		{name: "resume of what was not suspended", request: hand.Request{Verb: hand.Resume, Objects: []string{"Service/web"}}, says: "was not suspended"},
		{name: "release", request: hand.Request{Verb: hand.Release, Objects: []string{"Service/web"}}, want: []string{"released Service/web"}, says: "nothing on the host has changed"},
		{
			name: "accept, also what is held",
			scene: func(s *hand.Scene) {
				s.Plan.Held = []state.Held{{Object: "Service/web", Reason: state.ForeignDropIn, Fields: []state.Field{{Path: "/etc/a.conf"}}}}
				s.Plan.Steps = []state.Step{{Object: "Service/web", Reason: state.ForeignDropIn, Fields: []state.Field{{Path: "/etc/b.conf"}}}}
				for _, p := range []string{"/etc/a.conf", "/etc/b.conf"} {
					s.Have.Files[p] = state.Fact[state.File]{At: now, Value: state.File{Kind: state.Regular, Digest: "digest of " + p}}
				}
			},
			request: hand.Request{Verb: hand.Accept, Objects: []string{"Service/web"}},
			want:    []string{"accepted Service/web /etc/b.conf digest of /etc/b.conf", "accepted Service/web /etc/a.conf digest of /etc/a.conf"}, says: "acceptDropIns",
		},
		{
			name: "approve a step, and what a new version wants",
			scene: func(s *hand.Scene) {
				s.Past.Version = "2"
				s.Plan.Held = []state.Held{{Reason: state.AwaitingApproval, Steps: []string{"one", "two"}}, {Reason: state.NewVersion, Steps: []string{"three"}}}
			},
			request: hand.Request{Verb: hand.Approve, Names: []string{"two", "three"}}, want: []string{"approved two", "settled three"}, says: "two is approved",
		},
		{
			name: "restore a displaced version, and suspend its service", scene: keeps,
			request: hand.Request{Verb: hand.Restore, Names: []string{"3f2a"}},
			want:    []string{"hold Service/web Suspended 1h0m0s", "asked Service/web ask-1 restore /etc/web.env"}, asks: 1,
		},
		{
			name: "restore within a longer suspension leaves that as it is", scene: func(s *hand.Scene) { keeps(s); placed(s, suspended) },
			request: hand.Request{Verb: hand.Restore, Names: []string{"3f2a"}},
			want:    []string{"asked Service/web ask-1 restore /etc/web.env"}, asks: 1, says: "web is suspended by hand",
		},
		{
			name: "a stop leaves a version that is being restored",
			scene: func(s *hand.Scene) {
				s.Past.Asks["old"] = state.Ask{ID: "old", Object: "Service/web", Verb: hand.Restore, Units: []string{"/etc/web.env"}, Kept: &state.Kept{}}
			},
			request: hand.Request{Verb: hand.Stop, Objects: []string{"Service/web"}},
			want:    []string{"hold Service/web Suspended 1h0m0s with a stop", "asked Service/web ask-1 stop web.service"}, asks: 1,
		},
		{
			name: "withdraw what is open; what is settled needs none",
			scene: func(s *hand.Scene) {
				s.Past.Asks["old"] = state.Ask{ID: "old", Object: "Service/web", Verb: hand.Restart, Units: []string{"web.service"}}
			},
			request: hand.Request{Verb: hand.Withdraw, Names: []string{"old", "settled"}}, want: []string{"answered Service/web old withdrawn"},
		},
		{
			name: "withdraw a stop that has not begun: the suspension goes with it",
			scene: func(s *hand.Scene) {
				placed(s, byStop)
				s.Past.Asks["old"] = state.Ask{ID: "old", Object: "Service/web", Verb: hand.Stop, Units: []string{"web.service"}, Of: 1, At: now}
			},
			request: hand.Request{Verb: hand.Withdraw, Names: []string{"old"}},
			want:    []string{"lifted Service/web Suspended with a stop nothing came of the stop that it came with", "answered Service/web old withdrawn"}, says: "web is not suspended: nothing of its stop had begun",
		},
		{
			name: "withdraw a stop that made a suspension longer: that is as long as before",
			scene: func(s *hand.Scene) {
				h := byStop
				h.For, h.Stop = 5*time.Hour, false
				placed(s, h)
				s.Past.Asks["old"] = state.Ask{ID: "old", Object: "Service/web", Verb: hand.Stop, Units: []string{"web.service"}, Of: 1, At: now, Instead: &suspended}
			},
			request: hand.Request{Verb: hand.Withdraw, Names: []string{"old"}},
			want:    []string{"hold Service/web Suspended 2h0m0s", "answered Service/web old withdrawn"}, says: "web is suspended as it was before: web is suspended by hand",
		},
		{
			name: "withdraw a stop of which some is done: it stays suspended, and is told so",
			scene: func(s *hand.Scene) {
				placed(s, byStop)
				s.Past.Asks["old"] = state.Ask{ID: "old", Object: "Service/web", Verb: hand.Stop, Units: []string{"web@2.service"}, Of: 2, At: now}
			},
			request: hand.Request{Verb: hand.Withdraw, Names: []string{"old"}},
			want:    []string{"answered Service/web old withdrawn"}, says: "web stays suspended; evenkeel takes it back with: evenkeel resume web",
		},
		{
			name: "withdraw without a record",
			scene: func(s *hand.Scene) {
				s.Past.Distrust = "emptied"
				s.Past.Asks["old"] = state.Ask{ID: "old", Object: "Service/web"}
			},
			request: hand.Request{Verb: hand.Withdraw, Names: []string{"old"}}, want: []string{"answered Service/web old withdrawn"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := scene(c.scene)
			before := s.Past.Clone()
			if c.request.Actor == "" {
				c.request.Actor = "anna"
			}
			a, notes, err := hand.Decide(c.request, s)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, tellAll(notes)); d != "" {
				t.Errorf("notes (-want +got):\n%s", d)
			}
			for _, n := range notes {
				if n.Actor != "anna" {
					t.Errorf("%s is recorded as the doing of %q", tell(n), n.Actor)
				}
				if err := (state.Entry{Note: &n}).Check(); err != nil {
					t.Errorf("%s: %v", tell(n), err)
				}
			}
			if len(a.Asks) != c.asks || !strings.Contains(strings.Join(a.Done, "\n"), c.says) {
				t.Errorf("answer %+v, want %d asks and %q", a, c.asks, c.says)
			}
			if d := cmp.Diff(before, s.Past); d != "" {
				t.Errorf("deciding changed the past:\n%s", d)
			}
		})
	}
}

// What makes no sense or must not be is refused, what is not there is unknown;
// and then nothing at all is done, also of what would have been possible.
func TestWhatIsRefusedOrUnknown(t *testing.T) {
	all := []string{hand.Start, hand.Stop, hand.Restart, hand.Reload, hand.Suspend, hand.Resume, hand.Retry, hand.Accept, hand.Approve, hand.Release}
	toUnits := []string{hand.Start, hand.Stop, hand.Restart, hand.Reload}
	cases := []struct {
		name    string
		scene   func(*hand.Scene)
		verbs   []string
		request hand.Request
		want    error
		says    string
	}{
		{name: "a record that cannot be written", scene: func(s *hand.Scene) { s.Past.Distrust = "emptied" }, verbs: all, request: hand.Request{Objects: []string{"Service/web"}}, want: hand.ErrRefused, says: "emptied"},
		{name: "longer than a month", verbs: all, request: hand.Request{Objects: []string{"Service/web"}, For: 31 * 24 * time.Hour}, want: hand.ErrInvalid, says: "30d"},
		{name: "shorter than nothing", verbs: all, request: hand.Request{Objects: []string{"Service/web"}, For: -time.Second}, want: hand.ErrInvalid, says: "--for"},
		{name: "a service that is not declared, beside one that is", verbs: all[:8], request: hand.Request{Objects: []string{"Service/db", "Service/wbe"}}, want: hand.ErrUnknown, says: "did you mean web?"},
		{name: "another kind", verbs: all[:8], request: hand.Request{Objects: []string{"Endpoint/pay"}}, want: hand.ErrInvalid, says: "only services and the host"},
		{name: "another host", verbs: []string{hand.Suspend}, request: hand.Request{Objects: []string{"Host/app-2"}}, want: hand.ErrInvalid, says: "Host/app-2"},
		{name: "nothing named", verbs: all[:8], request: hand.Request{}, want: hand.ErrInvalid, says: "--all"},
		{name: "labels that nothing has", verbs: all[:8], request: hand.Request{Select: "tier=none"}, want: hand.ErrUnknown, says: "tier=none"},
		{name: "labels that are none", verbs: all[:8], request: hand.Request{Select: "=", Objects: []string{"Service/db"}}, want: hand.ErrInvalid, says: "-l ="},
		{name: "the host", verbs: append([]string{hand.Retry, hand.Accept, hand.Release}, toUnits...), request: hand.Request{Objects: []string{"Service/db", hand.Host}}, want: hand.ErrInvalid, says: "for services"},
		{name: "the protected set", scene: func(s *hand.Scene) { s.Want.Policy.Protect = []string{"web.service"} }, verbs: toUnits, request: hand.Request{Objects: []string{"Service/db", "Service/web"}}, want: hand.ErrRefused, says: "protected"},
		{
			name: "another name of one of the protected set",
			scene: func(s *hand.Scene) {
				s.Have.Units["web.service"] = state.Fact[state.Unit]{At: now, Value: state.Unit{ID: "systemd-logind.service", Names: []string{"systemd-logind.service", "web.service"}}}
			},
			verbs: toUnits, request: hand.Request{Objects: []string{"Service/db", "Service/web"}}, want: hand.ErrRefused, says: "web.service, also known as systemd-logind.service, belongs",
		},
		{name: "what policy does not allow", scene: func(s *hand.Scene) { s.Want.Policy.Units = []string{"db"} }, verbs: toUnits, request: hand.Request{All: true}, want: hand.ErrRefused, says: "does not allow"},
		{name: "a host that is only observed", scene: func(s *hand.Scene) { s.Want.Policy.Mode = desired.Observe }, verbs: toUnits, request: hand.Request{All: true}, want: hand.ErrRefused, says: "mode observe"},
		{name: "a service that is only observed", scene: func(s *hand.Scene) { s.Want.Services[1].Spec.Management = desired.Observe }, verbs: toUnits, request: hand.Request{All: true}, want: hand.ErrRefused, says: "management: observe"},
		{name: "no foreign drop-in", verbs: []string{hand.Accept}, request: hand.Request{Objects: []string{"Service/web"}}, want: hand.ErrRefused, says: "no foreign drop-in"},
		{
			name: "a foreign drop-in that cannot be read",
			scene: func(s *hand.Scene) {
				s.Plan.Held = []state.Held{{Object: "Service/web", Reason: state.ForeignDropIn, Fields: []state.Field{{Path: "/etc/a.conf"}}}}
				s.Have.Files["/etc/a.conf"] = state.Fact[state.File]{At: now, Err: "input/output error"}
			},
			verbs: []string{hand.Accept}, request: hand.Request{Objects: []string{"Service/web"}}, want: hand.ErrRefused, says: "/etc/a.conf",
		},
		{
			name: "a step that does not wait, beside one that does",
			scene: func(s *hand.Scene) {
				s.Plan.Held = []state.Held{{Reason: state.AwaitingApproval, Steps: []string{"one"}}}
			},
			verbs: []string{hand.Approve}, request: hand.Request{Names: []string{"one", "two"}}, want: hand.ErrUnknown, says: "two",
		},
		{name: "no such version", scene: keeps, verbs: []string{hand.Restore}, request: hand.Request{Names: []string{"3f2a", "ffff"}}, want: hand.ErrUnknown, says: "ffff"},
		{name: "a version of what is declared no longer", scene: func(s *hand.Scene) { keeps(s); s.Want.Services = s.Want.Services[:1] }, verbs: []string{hand.Restore}, request: hand.Request{Names: []string{"3f2a"}}, want: hand.ErrRefused, says: "evenkeel displaced show"},
		{name: "a version on a host that is only observed", scene: func(s *hand.Scene) { keeps(s); s.Want.Policy.Mode = desired.Observe }, verbs: []string{hand.Restore}, request: hand.Request{Names: []string{"3f2a"}}, want: hand.ErrRefused, says: "mode observe"},
		{name: "no such verb", verbs: []string{"explode", ""}, request: hand.Request{Objects: []string{"Service/web"}}, want: hand.ErrInvalid, says: "no verb"},
	}
	for _, c := range cases {
		for _, verb := range c.verbs {
			t.Run(c.name+", "+verb, func(t *testing.T) {
				r := c.request
				r.Verb = verb
				a, notes, err := hand.Decide(r, scene(c.scene))
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("error %q, want %q and %q", err, c.want, c.says)
				}
				if len(notes) > 0 || len(a.Asks)+len(a.Done) > 0 {
					t.Errorf("half of it is done: %q %+v", tellAll(notes), a)
				}
			})
		}
	}
}

// A suspension always ends by itself, whatever was asked for.
func TestEverySuspensionEnds(t *testing.T) {
	for _, verb := range []string{hand.Suspend, hand.Stop} {
		for _, d := range []time.Duration{0, time.Second, hand.MaxFor} {
			_, notes, err := hand.Decide(hand.Request{Verb: verb, All: true, For: d}, scene(nil))
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range notes {
				if n.Hold != nil && (n.Hold.For <= 0 || n.Hold.For > hand.MaxFor) {
					t.Errorf("%s --for %s: %s", verb, d, tell(n))
				}
			}
		}
	}
}
