package apart

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
)

// unpack reads into target what pack wrote of the same type. The bytes may be a
// stranger's: whatever they are, it ends, and takes no more memory than most.
func unpack(b []byte, target any, most int) error {
	u := unpacker{in: b, left: most}
	u.value(reflect.ValueOf(target).Elem(), 0)
	if u.err == nil && len(u.in) > 0 {
		u.fail(errPacked)
	}
	return u.err
}

var (
	errPacked = errors.New("it is cut short, or is no answer at all")
	errLarge  = errors.New("it would take too much memory")
)

// deepest is how deep values may lie in each other; those of YAML at most 32.
const deepest = 128

// perEntry is about what an entry of a table takes besides its key and its value.
const perEntry = 32

type unpacker struct {
	in   []byte
	left int // bytes of memory that may still be taken
	err  error
}

func (u *unpacker) fail(err error) {
	if u.err == nil {
		u.err = err
	}
	u.in = nil
}

// spend takes memory for n things of a size.
func (u *unpacker) spend(n, size int) bool {
	if size > 0 && n > u.left/size {
		u.fail(errLarge)
		return false
	}
	u.left -= n * size
	return true
}

func (u *unpacker) take(n int) []byte {
	if n > len(u.in) {
		u.fail(errPacked)
		return nil
	}
	b := u.in[:n:n]
	u.in = u.in[n:]
	return b
}

func (u *unpacker) mark() byte {
	if b := u.take(1); b != nil {
		return b[0]
	}
	return absent
}

func (u *unpacker) number() uint64 {
	n, size := binary.Uvarint(u.in)
	if size <= 0 {
		u.fail(errPacked)
		return 0
	}
	u.in = u.in[size:]
	return n
}

// count is how many things follow. Each but one without fields takes a byte.
func (u *unpacker) count() int {
	n := u.number()
	if n > uint64(len(u.in)) {
		u.fail(errPacked)
		return 0
	}
	return int(n)
}

func (u *unpacker) value(v reflect.Value, depth int) {
	if depth > deepest {
		u.fail(errPacked)
	}
	if u.err != nil {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(u.mark() == present)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, size := binary.Varint(u.in)
		if size <= 0 || v.OverflowInt(n) {
			u.fail(errPacked)
			return
		}
		u.in = u.in[size:]
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := u.number()
		if v.OverflowUint(n) {
			u.fail(errPacked)
			return
		}
		v.SetUint(n)
	case reflect.Float64:
		if b := u.take(8); b != nil {
			v.SetFloat(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
	case reflect.String:
		v.SetString(u.text())
	case reflect.Pointer:
		if u.mark() == present && u.spend(1, int(v.Type().Elem().Size())) {
			v.Set(reflect.New(v.Type().Elem()))
			u.value(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if u.mark() == present {
			u.list(v, depth)
		}
	case reflect.Map:
		if u.mark() == present {
			u.table(v, depth)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			u.value(v.Field(i), depth+1)
		}
	case reflect.Interface:
		u.free(v, depth)
	}
}

func (u *unpacker) text() string {
	n := u.count()
	if !u.spend(n, 1) {
		return ""
	}
	return string(u.take(n))
}

func (u *unpacker) list(v reflect.Value, depth int) {
	n := u.count()
	if u.err != nil || !u.spend(n, int(v.Type().Elem().Size())) {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	if v.Type().Elem().Kind() == reflect.Uint8 {
		reflect.Copy(v, reflect.ValueOf(u.take(n)))
		return
	}
	for i := range n {
		u.value(v.Index(i), depth+1)
	}
}

func (u *unpacker) table(v reflect.Value, depth int) {
	n, t := u.count(), v.Type()
	if u.err != nil || !u.spend(n, int(t.Key().Size()+t.Elem().Size())+perEntry) {
		return
	}
	v.Set(reflect.MakeMapWithSize(t, n))
	for range n {
		key, one := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		key.SetString(u.text())
		u.value(one, depth+1)
		if u.err != nil {
			return
		}
		v.SetMapIndex(key, one)
	}
}

func (u *unpacker) free(v reflect.Value, depth int) {
	var one reflect.Value
	switch u.mark() {
	case absent:
		return
	case aTruth:
		one = reflect.New(reflect.TypeFor[bool]())
	case aNumber:
		one = reflect.New(reflect.TypeFor[int]())
	case aFraction:
		one = reflect.New(reflect.TypeFor[float64]())
	case aText:
		one = reflect.New(reflect.TypeFor[string]())
	case aList:
		one = reflect.New(listType)
	case aTable:
		one = reflect.New(tableType)
	default:
		u.fail(errPacked)
		return
	}
	if !u.spend(1, int(one.Type().Elem().Size())) {
		return
	}
	u.value(one.Elem(), depth+1)
	v.Set(one.Elem())
}
