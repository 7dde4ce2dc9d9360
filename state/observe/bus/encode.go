package bus

import "encoding/binary"

// encoder writes the calls that need no reflection.
type encoder struct{ b []byte }

func (e *encoder) align(start, n int) {
	for (len(e.b)-start)%n != 0 {
		e.b = append(e.b, 0)
	}
}

func (e *encoder) uint32(v uint32) { e.b = binary.LittleEndian.AppendUint32(e.b, v) }

func (e *encoder) string(s string) {
	e.uint32(uint32(len(s)))
	e.b = append(e.b, s...)
	e.b = append(e.b, 0)
}

func (e *encoder) field(start int, code, kind byte, v string) {
	e.align(start, 8)
	e.b = append(e.b, code, 1, kind, 0)
	if kind == 'g' {
		e.b = append(e.b, byte(len(v)))
		e.b = append(e.b, v...)
		e.b = append(e.b, 0)
		return
	}
	e.string(v)
}

// call appends a method call.
func (e *encoder) call(serial uint32, q question) {
	start := len(e.b)
	e.b = append(e.b, 'l', typeCall, 0, 1)
	e.uint32(0) // the body's length, below
	e.uint32(serial)
	e.uint32(0) // the header's length, below
	e.field(start, fieldPath, 'o', q.path)
	e.field(start, fieldInterface, 's', q.iface)
	e.field(start, fieldMember, 's', q.member)
	e.field(start, fieldDestination, 's', destination)
	e.field(start, fieldSignature, 'g', q.signature())
	binary.LittleEndian.PutUint32(e.b[start+12:], uint32(len(e.b)-start-16))
	e.align(start, 8)
	body := len(e.b)
	if q.names != nil {
		e.strings(body, q.names)
	} else {
		e.string(q.first)
		if q.second != "" {
			e.align(body, 4)
			e.string(q.second)
		}
	}
	binary.LittleEndian.PutUint32(e.b[start+4:], uint32(len(e.b)-body))
}

// strings appends an array of strings that begins the body.
func (e *encoder) strings(body int, list []string) {
	e.uint32(0) // the array's length, below
	for _, s := range list {
		e.align(body, 4)
		e.string(s)
	}
	binary.LittleEndian.PutUint32(e.b[body:], uint32(len(e.b)-body-4))
}
