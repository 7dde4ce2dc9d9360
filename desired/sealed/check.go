package sealed

import (
	"bytes"
	"errors"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// maxContent bounds what is decrypted; what is sealed is bounded by whoever read
// it.
const maxContent = 1 << 20

var (
	errFormat = errors.New("is no age file; encrypt it with: age -r RECIPIENT -o FILE.age FILE")
	errArmor  = errors.New("its age armor is damaged; encrypt it again with: age -a -r RECIPIENT -o FILE.age FILE")
)

// Check tells whether something is an age file, binary or armored, as far as can
// be told without an identity.
func Check(b []byte) error {
	if !armored(b) {
		if _, err := age.ExtractHeader(bytes.NewReader(b)); err != nil {
			return errFormat
		}
		return nil
	}
	inside, err := io.ReadAll(armor.NewReader(bytes.NewReader(b)))
	if err != nil {
		return errArmor
	}
	if _, err := age.ExtractHeader(bytes.NewReader(inside)); err != nil {
		return errFormat
	}
	return nil
}

// armored tells age's text form.
func armored(b []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte(armor.Header))
}

// unarmored is an age file in its binary form.
func unarmored(b []byte) io.Reader {
	if armored(b) {
		return armor.NewReader(bytes.NewReader(b))
	}
	return bytes.NewReader(b)
}
