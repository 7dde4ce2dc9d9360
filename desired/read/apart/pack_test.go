package apart

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

// zero is a value of a type, for packers.
func zero[T any](v T) reflect.Value { return reflect.ValueOf(v) }

// draw makes any value of a type: every field set and not, and of what may be
// absent all that there is: nothing, an empty one, one that holds zeroes.
func draw(t *rapid.T, v reflect.Value, depth int) {
	if depth == 0 || v.Kind() != reflect.Struct && rapid.IntRange(0, 2).Draw(t, "left out") == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Uint32:
		v.SetUint(uint64(rapid.Uint32().Draw(t, "uint")))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Byte().Draw(t, "byte")))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(t, "float"))
	case reflect.String:
		v.SetString(string(rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "string"))) // UTF-8 or not
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		draw(t, v.Elem(), depth-1)
	case reflect.Slice:
		n := rapid.IntRange(0, 2).Draw(t, "length")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			draw(t, v.Index(i), depth-1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 2).Draw(t, "length") {
			one := reflect.New(v.Type().Elem()).Elem()
			draw(t, one, depth-1)
			v.SetMapIndex(reflect.ValueOf(rapid.String().Draw(t, "key")), one)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			draw(t, v.Field(i), depth-1)
		}
	case reflect.Interface:
		kinds := []any{false, 0, 0.0, "", []any(nil), map[string]any(nil)}
		one := reflect.New(reflect.TypeOf(rapid.SampledFrom(kinds).Draw(t, "kind"))).Elem()
		draw(t, one, depth-1)
		v.Set(one)
	default:
		t.Fatalf("%s is no plain data", v.Type())
	}
}

// Any Set at all comes out of the bytes as it went in.
func TestAnySetComesOverWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want, got told
		want.Set = &desired.Set{}
		draw(t, reflect.ValueOf(want.Set).Elem(), 8)
		draw(t, reflect.ValueOf(&want.Problems).Elem(), 4)
		b, err := pack(want)
		if err != nil {
			t.Fatal(err)
		}
		if err := unpack(b, &got, 1<<30); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("(-in +out):\n%s", cmp.Diff(want, got))
		}
	})
}

// Each type that a Set is made of can be packed: a field of another kind would be
// seen here first.
func TestASetIsPlainData(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(path string, r reflect.Type)
	look = func(path string, r reflect.Type) {
		if seen[r] {
			return
		}
		seen[r] = true
		switch r.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(path, r.Elem())
		case reflect.Map:
			if r.Key().Kind() != reflect.String {
				t.Errorf("%s: %s has keys that are no text", path, r)
			}
			look(path, r.Elem())
		case reflect.Struct:
			for i := range r.NumField() {
				if f := r.Field(i); f.IsExported() {
					look(path+"."+f.Name, f.Type)
				} else {
					t.Errorf("%s.%s is hidden, so that it would be lost", path, f.Name)
				}
			}
		case reflect.Chan, reflect.Func, reflect.Array, reflect.Complex64, reflect.Complex128, reflect.Float32, reflect.UnsafePointer, reflect.Uintptr:
			t.Errorf("%s: %s is no plain data", path, r)
		}
	}
	look("Set", reflect.TypeFor[desired.Set]())
	look("ask", reflect.TypeFor[ask]())
	if len(seen) < 30 {
		t.Errorf("only %d types", len(seen))
	}
}

// Whatever can be said of a reading is said to the child; the files it is given.
func TestAChildIsToldEverything(t *testing.T) {
	options, told := reflect.TypeFor[read.Options](), reflect.TypeFor[ask]()
	for i := range options.NumField() {
		f := options.Field(i)
		if a, ok := told.FieldByName(f.Name); f.Name != "FS" && (!ok || a.Type != f.Type) {
			t.Errorf("the child is not told %s", f.Name)
		}
	}
	laid := fstest.MapFS{
		"a.yaml": {Data: []byte("apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n")},
		"a.new":  {Data: []byte("apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {state: stopped}\n")},
	}
	if set := same(t, laid, read.Options{Over: []string{"a.new"}}); len(set.Services) != 1 || set.Services[0].Spec.State != desired.Stopped {
		t.Errorf("what lies over it is not there: %+v", set.Services)
	}
	everywhere := fstest.MapFS{"a.yaml": {Data: []byte("apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {hosts: ['name=\"b\"']}\n")}}
	if set := same(t, everywhere, read.Options{Everywhere: true}); len(set.Services) != 1 {
		t.Errorf("%d services", len(set.Services))
	}
	if set := same(t, everywhere, read.Options{Host: desired.Host{Name: "c"}}); len(set.Services) != 0 {
		t.Errorf("%d services", len(set.Services))
	}
}

func TestWhatIsNoPlainDataIsRefused(t *testing.T) {
	for says, v := range map[string]any{
		"is no plain data":         struct{ C chan int }{},
		"hides a field":            struct{ hidden int }{1},
		"is nothing that YAML kno": struct{ A any }{uint8(1)},
	} {
		if _, err := pack(v); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%T: %v, want …%s…", v, err, says)
		}
	}
	odd := struct{ A any }{map[string]any{"x": []any{nil, true, 1, math.Inf(1), "y", map[string]any{}}}}
	b, err := pack(odd)
	if err != nil {
		t.Fatal(err)
	}
	got := odd
	got.A = nil
	if err := unpack(b, &got, 1<<20); err != nil || !reflect.DeepEqual(got, odd) {
		t.Errorf("%v, %v", got, err)
	}
}

// FuzzUnpack feeds the parent what a child might answer.
func FuzzUnpack(f *testing.F) {
	for _, t := range []told{{}, {Set: &desired.Set{Services: make([]desired.Service, 2)}}, {Problems: []problem{{Trouble: &fault{Is: []string{"x"}}}}}} {
		b, err := pack(t)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(boast()[:1000])
	f.Fuzz(func(t *testing.T, b []byte) {
		var got, again told
		if unpack(b, &got, 8<<20) != nil {
			return
		}
		b, err := pack(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := unpack(b, &again, 8<<20); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	o := read.Options{Policy: desired.BuiltInPolicy(), Host: desired.Host{Name: "app-1"}, Revision: "c1", Origins: true, FS: twoHundred()}
	set, _ := read.Load([]string{"."}, o)
	t := told{Set: set}
	bytes, err := pack(t)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("pack", func(b *testing.B) {
		for b.Loop() {
			_, _ = pack(t)
		}
	})
	b.Run("unpack", func(b *testing.B) {
		for b.Loop() {
			var t told
			if err := unpack(bytes, &t, 4*maxAnswer); err != nil {
				b.Fatal(err)
			}
		}
	})
}
