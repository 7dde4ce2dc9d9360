package bus

import "strings"

// The well-known names of systemd's D-Bus interface.
const (
	destination = "org.freedesktop.systemd1"
	managerPath = "/org/freedesktop/systemd1"
	unitPrefix  = "/org/freedesktop/systemd1/unit/"
	jobPrefix   = "/org/freedesktop/systemd1/job/"

	managerIface = "org.freedesktop.systemd1.Manager"
	jobIface     = "org.freedesktop.systemd1.Job"
	propsIface   = "org.freedesktop.DBus.Properties"
)

const hexDigits = "0123456789abcdef"

// UnitPath is the object path of a unit. Every byte other than a letter or a
// digit that is not first becomes _xx.
func UnitPath(name string) string {
	var b strings.Builder
	b.Grow(len(unitPrefix) + len(name) + 16)
	b.WriteString(unitPrefix)
	if name == "" {
		b.WriteByte('_')
	}
	for i := range len(name) {
		c := name[i]
		if isLetter(c) || isDigit(c) && i > 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('_')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// UnitName is the inverse of UnitPath; false for a path that is no unit's.
func UnitName(path string) (string, bool) {
	s, ok := strings.CutPrefix(path, unitPrefix)
	if !ok || s == "" {
		return "", false
	}
	if s == "_" {
		return "", true
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '_' {
			b.WriteByte(c)
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	return b.String(), true
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
