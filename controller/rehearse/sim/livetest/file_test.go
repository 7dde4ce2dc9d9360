package livetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
	"github.com/pakashop/evenkeel/state"
)

// said is what an actuator said, in words that do not depend on the world.
type said struct {
	Changed, Displaced bool
	Detail, Kind       string
}

func ask(a actuators.Actuator, r actuators.Request) said {
	res, err := a.Apply(context.Background(), r)
	s := said{Changed: res.Changed, Displaced: res.Displaced != "", Detail: res.Detail}
	if err != nil {
		s.Kind, s.Detail = actuators.KindOf(err).String(), ""
	}
	return s
}

func request(verb, path, content string, args ...string) actuators.Request {
	r := actuators.Request{Action: actuators.Action{Actuator: "file", Verb: verb, Target: path, Args: map[string]string{}}}
	if verb == "write" {
		r.Content = []byte(content)
		r.Args["digest"] = state.Digest(r.Content)
	}
	for i := 0; i < len(args); i += 2 {
		r.Args[args[i]] = args[i+1]
	}
	return r
}

// pointing is a request to make a link.
func pointing(path, to string, args ...string) actuators.Request {
	r := request("write", path, "", append(args, "link", to)...)
	delete(r.Args, "digest")
	return r
}

// The file actuator of the simulated host says and does what the real one does.
func TestTheSimulatedFilesAreLikeRealOnes(t *testing.T) {
	a, b, x := state.Digest([]byte("a")), state.Digest([]byte("b")), state.Digest([]byte("x"))
	requests := []actuators.Request{
		request("write", "/opt/evk/new/f", "a"),
		request("write", "/opt/evk/new/f", "a"),
		request("write", "/opt/evk/new/f", "b"),           // a file appeared there
		request("write", "/opt/evk/new/f", "b", "was", x), // it was changed
		request("write", "/opt/evk/new/f", "b", "was", a, "mode", "0600", "keep", "1"),
		request("write", "/opt/evk/new/f", "b", "was", b, "mode", "0640", "keep", "1"),
		request("write", "/opt/evk/new/f", "", "was", b, "digest", b, "mode", "0644"), // the content is the host's
		request("write", "/opt/evk/none", "b", "was", a),
		request("write", "/opt/evk/none/f", "b", "was", a),
		request("write", "/opt/evk/masked", "b"),
		request("write", "/opt/evk/link", "b", "was", a),
		request("write", "/opt/evk/linked/f", "b"),
		request("write", "/opt/evk/folder", "b"),
		request("write", "/opt/evk/plain/f", "b"),
		request("write", "relative", "b"),
		request("write", "/opt/../etc/f", "b"),
		request("write", "/opt/evk/f", "b", "digest", a),
		request("write", "/opt/evk/f", "b", "mode", "9"),
		request("write", "/opt/evk/f", "b", "nonsense", "1"),
		request("remove", "/opt/evk/new/f", "", "was", a),
		request("remove", "/opt/evk/new/f", ""),
		request("remove", "/opt/evk/masked", "", "was", a),
		request("remove", "/opt/evk/new/f", "", "was", b, "keep", "1"),
		request("remove", "/opt/evk/new/f", "", "was", b),
		request("remove", "/opt/evk/none/none", "", "was", b),
		request("move", "/opt/evk/new/f", ""),
		pointing("/opt/evk/current", "none/1"),
		pointing("/opt/evk/current", "releases/1"),
		pointing("/opt/evk/current", "releases/1"),
		pointing("/opt/evk/current", "releases/2"), // a link appeared there
		pointing("/opt/evk/current", "releases/2", "wasLink", "releases/1", "keep", "1"),
		pointing("/opt/evk/current", "releases/3", "wasLink", "releases/2"),
		pointing("/opt/evk/folder", "releases/1"),
		pointing("/opt/evk/plain", "releases/1", "was", x), // it was changed
		pointing("/opt/evk/linked/f", "x"),
		pointing("/opt/evk/current", "releases/1", "wasLink", "releases/2", "mode", "0644"),
		request("write", "/opt/evk/current", "b"),
		request("remove", "/opt/evk/current", "", "wasLink", "releases/1"),
		request("remove", "/opt/evk/current", "", "wasLink", "releases/2"),
		pointing("/opt/evk/plain", "releases/1", "was", state.Digest([]byte("plain")), "keep", "1"),
	}
	s, r := sim.New(sim.Options{}), newReal(t)
	for _, w := range []world{s, r} {
		for _, err := range []error{
			w.Write("/opt/evk/plain", "plain"), w.Write("/opt/evk/folder/x", "x"),
			w.Write("/opt/evk/releases/1/app", "1"), w.Write("/opt/evk/releases/2/app", "2"),
			w.Link("/opt/evk/masked", "/dev/null"), w.Link("/opt/evk/link", "/opt/evk/plain"), w.Link("/opt/evk/linked", "/opt/evk/folder"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	simulated, really := s.Actuators()["file"], file.New(file.Options{Displaced: t.TempDir() + "/displaced"})
	for _, q := range requests {
		if d := cmp.Diff(ask(really, q), ask(simulated, q)); d != "" {
			t.Errorf("%s: -real +simulated\n%s", q.Action, d)
		}
		if d := cmp.Diff(listing(r), listing(s)); d != "" {
			t.Fatalf("after %s: -real +simulated\n%s", q.Action, d)
		}
	}
}

// listing reads what lies where the test works, without what differs by nature.
func listing(w world) state.Facts {
	var refs []state.Ref
	for _, p := range []string{"/opt/evk/new", "/opt/evk/folder", "/opt/evk/none", "/opt/evk/masked"} {
		refs = append(refs, state.Ref{Kind: state.RefDir, Name: p})
	}
	for _, p := range []string{"/opt/evk/new/f", "/opt/evk/masked", "/opt/evk/link", "/opt/evk/linked", "/opt/evk/none", "/opt/evk/linked/x", "/opt/evk/plain", "/opt/evk/current"} {
		refs = append(refs, state.Ref{Kind: state.RefFile, Name: p})
	}
	f := w.Observe(context.Background(), refs)
	f.Units = nil
	for p, fact := range f.Files {
		fact.At, fact.Value.Changed = state.Time{}, stamp(fact.Value.Changed)
		f.Files[p] = fact
	}
	for p, fact := range f.Dirs {
		fact.At, fact.Value.Changed = state.Time{}, stamp(fact.Value.Changed)
		f.Dirs[p] = fact
	}
	return f
}

func stamp(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Unix(1, 0)
}
