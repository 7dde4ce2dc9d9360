package desired

import (
	"reflect"
	"slices"
)

// Redacted is a spec that may be shown: without the content of files that are
// sensitive.
func Redacted(spec ServiceSpec) ServiceSpec {
	if !slices.ContainsFunc(spec.Files, func(f File) bool { return f.Sensitive && f.Content != "" }) {
		return spec
	}
	spec.Files = slices.Clone(spec.Files)
	for i := range spec.Files {
		if spec.Files[i].Sensitive && spec.Files[i].Content != "" {
			spec.Files[i].Content = "(sensitive)"
		}
	}
	return spec
}

// secretive marks what is encrypted as sensitive.
func secretive(spec ServiceSpec) ServiceSpec {
	for i, f := range spec.Files {
		if Encrypted(f.Source) && !f.Sensitive {
			spec.Files = slices.Clone(spec.Files)
			spec.Files[i].Sensitive = true
		}
	}
	return spec
}

// expandAll is a copy of the spec with every string replaced, except content.
func expandAll(spec ServiceSpec, replace func(string) string) ServiceSpec {
	v := mapped(reflect.ValueOf(spec), replace)
	return v.Interface().(ServiceSpec)
}

func mapped(v reflect.Value, replace func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(replace(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(mapped(v.Elem(), replace))
		}
	case reflect.Interface:
		if !v.IsNil() {
			out.Set(mapped(v.Elem(), replace))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(mapped(v.Index(i), replace))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
			for it := v.MapRange(); it.Next(); {
				out.SetMapIndex(it.Key(), mapped(it.Value(), replace))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "Content" {
				out.Field(i).Set(v.Field(i))
				continue
			}
			out.Field(i).Set(mapped(v.Field(i), replace))
		}
	default:
		out.Set(v)
	}
	return out
}
