package apart

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
)

// pack writes plain data so that nothing of it is lost, which neither JSON nor gob
// can say: a pointer to nothing in particular, a list that is there and empty,
// a whole number where any value may stand, text that is not UTF-8, a field that
// is never shown. Fields come in the order of their type: both ends are the same
// program.
func pack(v any) (b []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("pack %T: %v", v, r)
		}
	}()
	p := packer{open: map[reflect.Type]bool{}}
	p.value(reflect.ValueOf(v))
	return p.out, nil
}

// What stands before a value that may be absent, or where any may stand.
const (
	absent = iota
	present
	aTruth
	aNumber
	aFraction
	aText
	aList
	aTable
)

var (
	listType  = reflect.TypeFor[[]any]()
	tableType = reflect.TypeFor[map[string]any]()
)

type packer struct {
	out  []byte
	open map[reflect.Type]bool // structs that hide nothing
}

// whole refuses a struct that hides a field, which would be lost.
func (p *packer) whole(t reflect.Type) {
	if p.open[t] {
		return
	}
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			panic(t.String() + " hides a field")
		}
	}
	p.open[t] = true
}

func (p *packer) number(n uint64) { p.out = binary.AppendUvarint(p.out, n) }
func (p *packer) mark(m byte)     { p.out = append(p.out, m) }

// here marks whether something follows.
func (p *packer) here(there bool) bool {
	if !there {
		p.mark(absent)
		return false
	}
	p.mark(present)
	return true
}

func (p *packer) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		p.truth(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.out = binary.AppendVarint(p.out, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		p.number(v.Uint())
	case reflect.Float64:
		p.out = binary.BigEndian.AppendUint64(p.out, math.Float64bits(v.Float()))
	case reflect.String:
		p.text(v.String())
	case reflect.Pointer:
		if p.here(!v.IsNil()) {
			p.value(v.Elem())
		}
	case reflect.Slice:
		if p.here(!v.IsNil()) {
			p.list(v)
		}
	case reflect.Map:
		if p.here(!v.IsNil()) {
			p.table(v)
		}
	case reflect.Struct:
		p.whole(v.Type())
		for i := range v.NumField() {
			p.value(v.Field(i))
		}
	case reflect.Interface:
		p.free(v.Elem())
	default:
		panic(v.Type().String() + " is no plain data")
	}
}

func (p *packer) truth(b bool) {
	if b {
		p.mark(present)
		return
	}
	p.mark(absent)
}

func (p *packer) text(s string) {
	p.number(uint64(len(s)))
	p.out = append(p.out, s...)
}

func (p *packer) list(v reflect.Value) {
	p.number(uint64(v.Len()))
	if v.Type().Elem().Kind() == reflect.Uint8 {
		p.out = append(p.out, v.Bytes()...)
		return
	}
	for i := range v.Len() {
		p.value(v.Index(i))
	}
}

func (p *packer) table(v reflect.Value) {
	p.number(uint64(v.Len()))
	for it := v.MapRange(); it.Next(); {
		p.text(it.Key().String())
		p.value(it.Value())
	}
}

// free writes what stands where any value may: what YAML knows.
func (p *packer) free(v reflect.Value) {
	switch {
	case !v.IsValid():
		p.mark(absent)
	case v.Type() == reflect.TypeFor[bool]():
		p.mark(aTruth)
		p.value(v)
	case v.Type() == reflect.TypeFor[int]():
		p.mark(aNumber)
		p.value(v)
	case v.Type() == reflect.TypeFor[float64]():
		p.mark(aFraction)
		p.value(v)
	case v.Type() == reflect.TypeFor[string]():
		p.mark(aText)
		p.value(v)
	case v.Type() == listType:
		p.mark(aList)
		p.value(v)
	case v.Type() == tableType:
		p.mark(aTable)
		p.value(v)
	default:
		panic(v.Type().String() + " is nothing that YAML knows")
	}
}
