package bus

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
)

// parsed runs bytes through what reads the socket.
func parsed(t testing.TB, raw []byte) *message {
	t.Helper()
	w := &wire{in: bufio.NewReader(bytes.NewReader(raw))}
	whole, err := w.next()
	if err != nil {
		t.Fatal(err)
	}
	m := &message{}
	if !m.parse(whole) {
		t.Fatal("not parsed")
	}
	return m
}

// reply is a message as godbus, and hence systemd, writes it.
func reply(t testing.TB, order binary.ByteOrder, body ...any) []byte {
	t.Helper()
	m := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(uint32(ownSerials)),
		dbus.FieldSender:      dbus.MakeVariant(":1.1"),
		dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(body...)),
	}, Body: body}
	var b bytes.Buffer
	if err := m.EncodeTo(&b, order); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type pair struct {
	ID   uint32
	Path dbus.ObjectPath
}

func TestValues(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, v := range []struct{ sent, want any }{
			{"text", "text"},
			{true, true},
			{false, false},
			{uint32(7), uint32(7)},
			{int32(-7), int32(-7)},
			{uint64(1) << 60, uint64(1) << 60},
			{int64(-1) << 60, int64(-1) << 60},
			{[]string{"a", "", "long enough"}, []string{"a", "", "long enough"}},
			{[]string{}, []string(nil)},
			{[]byte{1, 2, 3}, []byte{1, 2, 3}},
			{dbus.ObjectPath("/a/b"), "/a/b"},
			{pair{3, "/job/3"}, JobRef{3, "/job/3"}},
		} {
			m := parsed(t, reply(t, order, dbus.MakeVariant(v.sent)))
			if m.kind != typeReply || m.reply != ownSerials || string(m.sender) != ":1.1" {
				t.Fatalf("header: %+v", m)
			}
			if a := answer(m); a.Err != nil || !cmp.Equal(a.Value, v.want) {
				t.Errorf("%v: %v became %#v, %v", order, v.sent, a.Value, a.Err)
			}
		}
	}
	if a := answer(parsed(t, reply(t, binary.LittleEndian, dbus.MakeVariant(3.5)))); a.Err == nil {
		t.Errorf("a type that no property has: %v", a.Value)
	}
}

// A dictionary of everything that systemd's properties hold: what is known is
// read, the rest passed over.
func TestDict(t *testing.T) {
	type deep struct {
		A []struct {
			B string
			C uint64
		}
		D byte
		E dbus.Variant
		F map[string]dbus.Variant
		G uint16
		H float64
	}
	all := map[string]dbus.Variant{
		"Id": dbus.MakeVariant("a.service"), "MainPID": dbus.MakeVariant(uint32(7)),
		"Deep":   dbus.MakeVariant(deep{D: 3, E: dbus.MakeVariant([]int16{1, 2}), F: map[string]dbus.Variant{"x": dbus.MakeVariant(dbus.Signature{})}}),
		"Deeps":  dbus.MakeVariant([]deep{{G: 1, E: dbus.MakeVariant("e")}, {H: 2.5, E: dbus.MakeVariant(true)}}),
		"Matrix": dbus.MakeVariant([][]string{{"a"}, {}, {"b", "c"}}),
		"Empty":  dbus.MakeVariant([]deep{}),
		"After":  dbus.MakeVariant([]string{"x"}),
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		a := answer(parsed(t, reply(t, order, all)))
		want := map[string]any{"Id": "a.service", "MainPID": uint32(7), "After": []string{"x"}}
		if d := cmp.Diff(any(want), a.Value); d != "" || a.Err != nil {
			t.Errorf("%v, -want +got:\n%s", a.Err, d)
		}
	}
}

// What the encoder writes, godbus reads as the call it is meant to be.
func TestEncodedCalls(t *testing.T) {
	var e encoder
	for i, c := range []struct {
		q      question
		path   string
		method string
		body   []any
	}{
		{Property{UnitPath("a.service"), UnitInterface, "Id"}.question(), UnitPath("a.service"), "Get", []any{UnitInterface, "Id"}},
		{Property{UnitPath("longer-name@x.service"), ServiceInterface, ""}.question(), UnitPath("longer-name@x.service"), "GetAll", []any{ServiceInterface}},
		{Property{ManagerPath, ManagerInterface, "Version"}.question(), ManagerPath, "Get", []any{ManagerInterface, "Version"}},
		{listing([]string{"a.service", "bb.socket", "c@1.service"}), ManagerPath, "ListUnitsByNames", []any{[]string{"a.service", "bb.socket", "c@1.service"}}},
		{question{path: ManagerPath, iface: ManagerInterface, member: "RefUnit", first: "a.service"}, ManagerPath, "RefUnit", []any{"a.service"}},
	} {
		from := len(e.b)
		e.call(ownSerials+uint32(i), c.q)
		r := bytes.NewReader(e.b[from:])
		m, err := dbus.DecodeMessage(r)
		if err != nil {
			t.Fatal(err)
		}
		if m.Serial() != ownSerials+uint32(i) || m.Headers[dbus.FieldMember].Value() != c.method ||
			string(m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)) != c.path ||
			m.Headers[dbus.FieldDestination].Value() != destination || !cmp.Equal(m.Body, c.body) {
			t.Errorf("%+v was read as %v", c.q, m)
		}
		if r.Len() != 0 {
			t.Errorf("%+v: %d bytes too many", c.q, r.Len())
		}
	}
}

// What systemd says of units in one call, encoded by godbus.
func TestAListOfUnits(t *testing.T) {
	type row struct {
		Name, Description, Load, Active, Sub, Following string
		Path                                            dbus.ObjectPath
		Job                                             uint32
		JobType                                         string
		JobPath                                         dbus.ObjectPath
	}
	rows := []row{
		{"a.service", "A thing", "loaded", "active", "running", "", "/u/a", 0, "", "/"},
		{"b.service", "", "loaded", "inactive", "dead", "", "/u/b", 7, "start", "/j/7"},
	}
	want := []UnitStatus{
		{Name: "a.service", Load: "loaded", Active: "active", Sub: "running", Path: "/u/a"},
		{Name: "b.service", Load: "loaded", Active: "inactive", Sub: "dead", Path: "/u/b", JobID: 7, JobType: "start"},
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		a := answer(parsed(t, reply(t, order, rows)))
		if d := cmp.Diff(any(want), a.Value); d != "" || a.Err != nil {
			t.Errorf("%v, -want +got:\n%s", a.Err, d)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(reply(f, binary.LittleEndian, dbus.MakeVariant([]string{"a"})))
	f.Add(reply(f, binary.BigEndian, map[string]dbus.Variant{"a": dbus.MakeVariant(pair{1, "/a"})}))
	f.Add(reply(f, binary.LittleEndian, map[string]dbus.Variant{"a": dbus.MakeVariant(dbus.MakeVariant(1.5))}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		w := &wire{in: bufio.NewReader(bytes.NewReader(raw))}
		whole, err := w.next()
		if err != nil {
			return
		}
		var m message
		if m.parse(whole) {
			answer(&m)
			l := &link{via: viaPrivate, owner: &Conn{}, reads: newReader(4), jobs: newJobBook()}
			l.owner.watchers.Store(&[]*watcher{{set: newDirtySet()}})
			if m.kind == typeSignal {
				l.look(&m)
			}
		}
	})
}
