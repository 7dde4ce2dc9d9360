package bus

import (
	"encoding/binary"
)

// The message types and header fields of the D-Bus specification that are used
// here.
const (
	typeCall   = 1
	typeReply  = 2
	typeError  = 3
	typeSignal = 4

	fieldPath        = 1
	fieldInterface   = 2
	fieldMember      = 3
	fieldErrorName   = 4
	fieldReplySerial = 5
	fieldDestination = 6
	fieldSender      = 7
	fieldSignature   = 8
)

// message is the header of a received message and its undecoded body. It
// points into the reader's buffer: copy what is to be kept.
type message struct {
	kind                        byte
	reply                       uint32
	path, iface, member, sender []byte
	errName, sig                []byte
	body                        cursor
}

func byteOrder(mark byte) binary.ByteOrder {
	switch mark {
	case 'l':
		return binary.LittleEndian
	case 'B':
		return binary.BigEndian
	}
	return nil
}

// parse reads the header; false leaves the message to godbus.
func (m *message) parse(raw []byte) bool {
	order := byteOrder(raw[0])
	m.kind = raw[1]
	end := 16 + int(order.Uint32(raw[12:]))
	c := cursor{b: raw[:end], at: 16, order: order}
	for c.at < end {
		if !m.field(&c) {
			return false
		}
	}
	m.body = cursor{b: raw[(end+7)&^7:], order: order}
	return true
}

func (m *message) field(c *cursor) bool {
	c.align(8)
	code, sig := c.byte(), c.signature()
	switch {
	case c.bad:
		return false
	case len(sig) == 1 && (sig[0] == 's' || sig[0] == 'o'):
		m.set(code, c.string())
	case len(sig) == 1 && sig[0] == 'g':
		m.set(code, c.signature())
	case len(sig) == 1 && sig[0] == 'u':
		v := c.uint32()
		if code == fieldReplySerial {
			m.reply = v
		}
	default:
		return false
	}
	return !c.bad
}

func (m *message) set(code byte, v []byte) {
	switch code {
	case fieldPath:
		m.path = v
	case fieldInterface:
		m.iface = v
	case fieldMember:
		m.member = v
	case fieldErrorName:
		m.errName = v
	case fieldSender:
		m.sender = v
	case fieldSignature:
		m.sig = v
	}
}

// cursor reads D-Bus values from a buffer that starts at a multiple of eight.
// A value that is not all there sets bad, and everything after it is zero.
type cursor struct {
	b     []byte
	at    int
	order binary.ByteOrder
	bad   bool
	depth int // of variants in variants
}

func (c *cursor) align(n int) { c.at = (c.at + n - 1) &^ (n - 1) }

func (c *cursor) take(n int) []byte {
	if c.bad || n < 0 || c.at < 0 || c.at > len(c.b) || n > len(c.b)-c.at {
		c.bad = true
		return nil
	}
	v := c.b[c.at : c.at+n]
	c.at += n
	return v
}

func (c *cursor) byte() byte {
	if v := c.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	c.align(4)
	if v := c.take(4); v != nil {
		return c.order.Uint32(v)
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	c.align(8)
	if v := c.take(8); v != nil {
		return c.order.Uint64(v)
	}
	return 0
}

func (c *cursor) string() []byte {
	n := c.uint32()
	if n > maxMessage {
		c.bad = true
		return nil
	}
	v := c.take(int(n))
	c.take(1)
	return v
}

func (c *cursor) signature() []byte {
	v := c.take(int(c.byte()))
	c.take(1)
	return v
}
