package file_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file"
)

// host is a folder that stands for a host's file system.
type host struct {
	t    *testing.T
	root string
	a    *file.Actuator
}

func newHost(t *testing.T) *host {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &host{t, root, file.New(file.Options{Root: root, Displaced: filepath.Join(t.TempDir(), "displaced")})}
}

func (h *host) path(p string) string { return filepath.Join(h.root, p) }

func (h *host) put(p, content string) {
	h.t.Helper()
	if err := os.WriteFile(h.path(p), []byte(content), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) get(p string) string {
	h.t.Helper()
	b, err := os.ReadFile(h.path(p))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

// names lists a folder: what else a write may have left there shows.
func (h *host) names(dir string) string {
	h.t.Helper()
	entries, err := os.ReadDir(h.path(dir))
	if err != nil {
		h.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func (h *host) apply(r actuators.Request) (actuators.Result, error) {
	return h.a.Apply(h.t.Context(), r)
}

func sum(s string) string {
	d := sha256.Sum256([]byte(s))
	return hex.EncodeToString(d[:])
}

// write is a request to write content where was (empty: nothing) was seen.
func write(path, content, was string, more ...string) actuators.Request {
	args := map[string]string{
		"digest": sum(content), "mode": "0644",
		"owner": strconv.Itoa(os.Geteuid()), "group": strconv.Itoa(os.Getegid()),
	}
	if was != "" {
		args["was"] = sum(was)
	}
	set(args, more)
	return actuators.Request{
		Action:  actuators.Action{Actuator: "file", Verb: "write", Target: path, Args: args},
		Content: []byte(content),
	}
}

func remove(path, was string, more ...string) actuators.Request {
	args := map[string]string{"was": sum(was)}
	set(args, more)
	return actuators.Request{Action: actuators.Action{Actuator: "file", Verb: "remove", Target: path, Args: args}}
}

func set(args map[string]string, more []string) {
	for i := 0; i < len(more); i += 2 {
		if more[i+1] == "" {
			delete(args, more[i])
			continue
		}
		args[more[i]] = more[i+1]
	}
}

func TestWriteAndRemove(t *testing.T) {
	for _, c := range []struct {
		name    string
		before  func(h *host)
		request actuators.Request
		changed bool
		kind    actuators.Kind // of the error; only if message is set
		message string
		after   string // content of /etc/x.conf; "-": nothing lies there
		names   string // of /etc
	}{
		{
			name: "a new file", request: write("/etc/x.conf", "new", ""),
			changed: true, after: "new", names: "x.conf",
		},
		{
			name: "the same again", before: func(h *host) { h.put("/etc/x.conf", "new") },
			request: write("/etc/x.conf", "new", ""), after: "new", names: "x.conf",
		},
		{
			name: "an empty file", request: write("/etc/x.conf", "", ""),
			changed: true, after: "", names: "x.conf",
		},
		{
			name: "what was seen is replaced", before: func(h *host) { h.put("/etc/x.conf", "old") },
			request: write("/etc/x.conf", "new", "old"), changed: true, after: "new", names: "x.conf",
		},
		{
			name: "a newer change stands", before: func(h *host) { h.put("/etc/x.conf", "human") },
			request: write("/etc/x.conf", "new", "old"),
			kind:    actuators.Conflict, message: "the file was changed since", after: "human", names: "x.conf",
		},
		{
			name: "a file that appeared stands", before: func(h *host) { h.put("/etc/x.conf", "human") },
			request: write("/etc/x.conf", "new", ""),
			kind:    actuators.Conflict, message: "a file appeared there", after: "human", names: "x.conf",
		},
		{
			name: "a file that was removed stays so", request: write("/etc/x.conf", "new", "old"),
			kind: actuators.Conflict, message: "the file was removed", after: "-", names: "",
		},
		{
			name: "somebody wrote just what is wanted", before: func(h *host) { h.put("/etc/x.conf", "new") },
			request: write("/etc/x.conf", "new", "old"), after: "new", names: "x.conf",
		},
		{
			name: "a mask stands", before: func(h *host) { link(h, "/dev/null", "/etc/x.conf") },
			request: write("/etc/x.conf", "new", ""),
			kind:    actuators.Refused, message: "the unit is masked", after: "", names: "x.conf",
		},
		{
			name: "a link stands, and so does its target",
			before: func(h *host) {
				h.put("/etc/shadow", "secret")
				link(h, "shadow", "/etc/x.conf")
			},
			request: write("/etc/x.conf", "new", "secret"),
			kind:    actuators.Refused, message: "there is a link to shadow", after: "secret", names: "shadow x.conf",
		},
		{
			name: "a link on the way is named",
			before: func(h *host) {
				mkdir(h, "/etc/real")
				link(h, "real", "/etc/alias")
			},
			request: write("/etc/alias/deep/x.conf", "new", ""),
			kind:    actuators.Refused, message: "/etc/alias is a link", after: "-", names: "alias real",
		},
		{
			name: "a folder stands", before: func(h *host) { mkdir(h, "/etc/x.conf") },
			request: write("/etc/x.conf", "new", ""),
			kind:    actuators.Refused, message: "no regular file", after: "-", names: "x.conf",
		},
		{
			name: "a file on the way", before: func(h *host) { h.put("/etc/x.d", "file") },
			request: write("/etc/x.d/10.conf", "new", ""),
			kind:    actuators.Refused, message: "/etc/x.d is no folder", after: "-", names: "x.d",
		},
		{
			name: "missing folders are made", request: write("/etc/a.service.d/deep/x.conf", "new", ""),
			changed: true, after: "-", names: "a.service.d",
		},
		{
			name: "remove", before: func(h *host) { h.put("/etc/x.conf", "old") },
			request: remove("/etc/x.conf", "old"), changed: true, after: "-", names: "",
		},
		{
			name: "remove again", request: remove("/etc/x.conf", "old"), after: "-", names: "",
		},
		{
			name: "remove in a folder that is gone", request: remove("/etc/none/x.conf", "old"), after: "-", names: "",
		},
		{
			name: "remove spares a newer change", before: func(h *host) { h.put("/etc/x.conf", "human") },
			request: remove("/etc/x.conf", "old"),
			kind:    actuators.Conflict, message: "the file was changed", after: "human", names: "x.conf",
		},
		{
			name: "remove spares a mask", before: func(h *host) { link(h, "/dev/null", "/etc/x.conf") },
			request: remove("/etc/x.conf", "old"),
			kind:    actuators.Refused, message: "masked", after: "", names: "x.conf",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			if c.before != nil {
				c.before(h)
			}
			previewed, previewErr := h.a.Preview(t.Context(), c.request)
			res, err := h.apply(c.request)
			check(t, err, c.kind, c.message)
			check(t, previewErr, c.kind, c.message)
			if res.Changed != c.changed || previewed.Changed != c.changed {
				t.Errorf("changed %v, previewed %v, want %v", res.Changed, previewed.Changed, c.changed)
			}
			after := "-"
			if b, err := os.ReadFile(h.path("/etc/x.conf")); err == nil {
				after = string(b)
			}
			if after != c.after {
				t.Errorf("there lies %q, want %q", after, c.after)
			}
			if got := h.names("/etc"); got != c.names {
				t.Errorf("/etc holds %q, want %q", got, c.names)
			}
			if c.message == "" {
				if again, err := h.apply(c.request); err != nil || again.Changed {
					t.Errorf("a second time: %+v, %v", again, err)
				}
			}
		})
	}
}

func check(t *testing.T, err error, kind actuators.Kind, message string) {
	t.Helper()
	switch {
	case message == "" && err != nil:
		t.Errorf("error: %v", err)
	case message == "":
	case err == nil:
		t.Errorf("no error, want %q", message)
	case !strings.Contains(err.Error(), message) || actuators.KindOf(err) != kind:
		t.Errorf("%s error %q, want %s with %q", actuators.KindOf(err), err, kind, message)
	}
}

func link(h *host, target, p string) {
	h.t.Helper()
	if err := os.Symlink(target, h.path(p)); err != nil {
		h.t.Fatal(err)
	}
}

func mkdir(h *host, p string) {
	h.t.Helper()
	if err := os.MkdirAll(h.path(p), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

func TestInvalidRequests(t *testing.T) {
	for _, c := range []struct {
		name    string
		request actuators.Request
		message string
	}{
		{"relative", write("etc/x", "c", ""), "absolute path"},
		{"dots", write("/etc/../x", "c", ""), "absolute path"},
		{"the root", write("/", "c", ""), "absolute path"},
		{"a zero byte", write("/etc/x\x00y", "c", ""), "absolute path"},
		{"our own name", write("/etc/.evenkeel-1", "c", ""), "evenkeel's own"},
		{"another content", write("/etc/x", "c", "", "digest", sum("d")), "does not have the digest"},
		{"no digest", write("/etc/x", "c", "", "digest", ""), "digest must be"},
		{"a bad mode", write("/etc/x", "c", "", "mode", "rw"), "octal"},
		{"too many bits", write("/etc/x", "c", "", "mode", "17777"), "octal"},
		{"a stranger", write("/etc/x", "c", "", "owner", "nobody-at-all"), `owner "nobody-at-all" is not known on this host`},
		{"a strange group", write("/etc/x", "c", "", "group", "nobody-at-all"), `group "nobody-at-all" is not known`},
		{"an unknown argument", write("/etc/x", "c", "", "acl", "1"), `unknown argument "acl"`},
		{"a bad was", write("/etc/x", "c", "", "was", "zz"), "was must be"},
		{"a bad keep", write("/etc/x", "c", "", "keep", "yes"), "keep must be"},
		{"remove what was not seen", remove("/etc/x", "c", "was", ""), "was is missing"},
		{"remove with content", func() actuators.Request { r := remove("/etc/x", "c"); r.Content = []byte("c"); return r }(), "unexpected content"},
		{"write without content", func() actuators.Request { r := write("/etc/x", "c", ""); r.Content = nil; return r }(), "no content"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			_, err := h.apply(c.request)
			check(t, err, actuators.Invalid, c.message)
			if got := h.names("/etc"); got != "" {
				t.Errorf("/etc holds %q", got)
			}
		})
	}
}

func TestModeAndOwner(t *testing.T) {
	h := newHost(t)
	h.put("/etc/x.conf", "new")
	for _, mode := range []os.FileMode{0o600, 0o640, 0o4755, 0o1777} {
		r := write("/etc/x.conf", "new", "new", "mode", strconv.FormatUint(uint64(mode), 8))
		res, err := h.apply(r)
		if err != nil || !res.Changed {
			t.Fatalf("%o: %+v, %v", mode, res, err)
		}
		if again, err := h.apply(r); err != nil || again.Changed {
			t.Fatalf("%o again: %+v, %v", mode, again, err)
		}
		info, err := os.Stat(h.path("/etc/x.conf"))
		if err != nil {
			t.Fatal(err)
		}
		want := mode & 0o777
		if mode&0o4000 != 0 {
			want |= os.ModeSetuid
		}
		if mode&0o1000 != 0 {
			want |= os.ModeSticky
		}
		if info.Mode() != want {
			t.Errorf("mode %v, want %v", info.Mode(), want)
		}
	}
}

// A file whose content belongs to the host is made to have its mode and owner
// without its content passing through evenkeel.
func TestContentOfTheHost(t *testing.T) {
	h := newHost(t)
	h.put("/etc/keys.env", "the host's own")
	r := write("/etc/keys.env", "", "the host's own", "digest", sum("the host's own"), "mode", "0600", "keep", "1")
	if res, err := h.apply(r); err != nil || !res.Changed {
		t.Fatalf("%+v, %v", res, err)
	}
	if res, err := h.apply(r); err != nil || res.Changed {
		t.Fatalf("again: %+v, %v", res, err)
	}
	if got := h.get("/etc/keys.env"); got != "the host's own" {
		t.Errorf("content %q", got)
	}
	if info, _ := os.Stat(h.path("/etc/keys.env")); info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if kept, _ := h.a.Displaced().List(); len(kept) != 0 {
		t.Errorf("displaced %v though nothing was", kept)
	}
	h.put("/etc/other", "a file of somebody else's")
	if err := os.Link(h.path("/etc/other"), h.path("/etc/hard.env")); err != nil {
		t.Fatal(err)
	}
	r = write("/etc/hard.env", "", "a file of somebody else's", "digest", sum("a file of somebody else's"), "mode", "0666")
	_, err := h.apply(r)
	check(t, err, actuators.Refused, "has 2 names")
}

// Where digests have names of their own, both ends use them: what was seen and
// what is to lie there.
func TestNamesOfContent(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	named := func(path, digest string) string {
		if path != "/etc/x.conf" {
			return digest
		}
		return sum("key" + digest)
	}
	h := &host{t, root, file.New(file.Options{Root: root, Displaced: filepath.Join(t.TempDir(), "displaced"), Name: named})}
	name := func(content string) string { return named("/etc/x.conf", sum(content)) }
	for i, c := range []struct {
		request actuators.Request
		changed bool
		says    string
		after   string
	}{
		{write("/etc/x.conf", "old", ""), false, "the content does not have the digest", "-"},
		{write("/etc/x.conf", "old", "", "digest", name("old")), true, "", "old"},
		{write("/etc/x.conf", "new", "old", "digest", name("new")), false, "the file was changed", "old"},
		{write("/etc/x.conf", "new", "another", "digest", name("new"), "was", name("another")), false, "the file was changed", "old"},
		{write("/etc/x.conf", "new", "old", "digest", name("new"), "was", name("old"), "keep", "1"), true, "", "new"},
		{write("/etc/x.conf", "new", "old", "digest", name("new"), "was", name("old")), false, "", "new"},
		{write("/etc/x.conf", "", "new", "digest", name("new"), "was", name("new"), "mode", "0600"), true, "", "new"},
		{remove("/etc/x.conf", "new"), false, "the file was changed", "new"},
		{remove("/etc/x.conf", "new", "was", name("new")), true, "", "-"},
		{write("/etc/y.conf", "y", ""), true, "", "-"},
	} {
		r, err := h.apply(c.request)
		if r.Changed != c.changed || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%d: %+v, %v; want changed %v, %q", i, r, err, c.changed, c.says)
		}
		after := "-"
		if b, err := os.ReadFile(h.path("/etc/x.conf")); err == nil {
			after = string(b)
		}
		if after != c.after {
			t.Errorf("%d: %q lies there, want %q", i, after, c.after)
		}
	}
}

func TestLeftoversOfACrash(t *testing.T) {
	h := newHost(t)
	h.put("/etc/.evenkeel-0123456789abcdef", "torn")
	h.put("/etc/.hidden", "a human's")
	link(h, "nowhere", "/etc/.evenkeel-link")
	if _, err := h.apply(write("/etc/x.conf", "new", "")); err != nil {
		t.Fatal(err)
	}
	if got := h.names("/etc"); got != ".evenkeel-link .hidden x.conf" {
		t.Errorf("/etc holds %q", got)
	}
}

func TestDisplaced(t *testing.T) {
	h := newHost(t)
	h.put("/etc/x.conf", "by hand")
	if err := os.Chmod(h.path("/etc/x.conf"), 0o640); err != nil {
		t.Fatal(err)
	}
	res, err := h.apply(write("/etc/x.conf", "declared", "by hand", "keep", "1", "object", "Service/x"))
	if err != nil || res.Displaced == "" {
		t.Fatalf("%+v, %v", res, err)
	}
	c, content, err := h.a.Displaced().Get(res.Displaced)
	if err != nil {
		t.Fatal(err)
	}
	if string(content) != "by hand" || c.Path != "/etc/x.conf" || c.Mode != 0o640 || c.Object != "Service/x" || c.Reason != "write" || c.Digest != sum("by hand") {
		t.Errorf("kept %+v with %q", c, content)
	}
	res, err = h.apply(remove("/etc/x.conf", "declared", "keep", "1"))
	if err != nil || res.Displaced == "" {
		t.Fatalf("remove: %+v, %v", res, err)
	}
	if res, err := h.apply(write("/etc/x.conf", "declared", "", "keep", "1")); err != nil || res.Displaced != "" {
		t.Fatalf("nothing lay there: %+v, %v", res, err)
	}
}

// Where a human's version cannot be kept, it stays where it is.
func TestWhatCannotBeKeptStays(t *testing.T) {
	root, blocked := t.TempDir(), filepath.Join(t.TempDir(), "displaced")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	h := &host{t, root, file.New(file.Options{Root: root, Displaced: blocked})}
	mkdir(h, "/etc")
	h.put("/etc/x.conf", "by hand")
	_, err := h.apply(write("/etc/x.conf", "declared", "by hand", "keep", "1"))
	check(t, err, actuators.Failed, "could not be kept")
	_, err = h.apply(remove("/etc/x.conf", "by hand", "keep", "1"))
	check(t, err, actuators.Failed, "could not be kept")
	if h.get("/etc/x.conf") != "by hand" || h.names("/etc") != "x.conf" {
		t.Errorf("%q in %q", h.get("/etc/x.conf"), h.names("/etc"))
	}
}
