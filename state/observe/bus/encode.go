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

// get appends a Properties.Get call, or GetAll where no name is given.
func (e *encoder) get(serial uint32, p Property) {
	method, signature := "Get", "ss"
	if p.Name == "" {
		method, signature = "GetAll", "s"
	}
	start := len(e.b)
	e.b = append(e.b, 'l', typeCall, 0, 1)
	e.uint32(0) // the body's length, below
	e.uint32(serial)
	e.uint32(0) // the header's length, below
	e.field(start, fieldPath, 'o', p.Path)
	e.field(start, fieldInterface, 's', propsIface)
	e.field(start, fieldMember, 's', method)
	e.field(start, fieldDestination, 's', destination)
	e.field(start, fieldSignature, 'g', signature)
	binary.LittleEndian.PutUint32(e.b[start+12:], uint32(len(e.b)-start-16))
	e.align(start, 8)
	body := len(e.b)
	e.string(p.Interface)
	if p.Name != "" {
		e.align(body, 4)
		e.string(p.Name)
	}
	binary.LittleEndian.PutUint32(e.b[start+4:], uint32(len(e.b)-body))
}
