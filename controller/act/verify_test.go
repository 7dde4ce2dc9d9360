package act

import (
	"testing"

	"github.com/pakashop/evenkeel/state"
)

// A link is believed to lead where it was seen to lead.
func TestVerifyALink(t *testing.T) {
	s := state.Step{Action: action("file.write", "/opt/shop/current", "link", "releases/2")}
	for name, tt := range map[string]struct {
		lies state.File
		well bool
	}{
		"it leads there":        {state.File{Kind: state.Symlink, Link: "releases/2"}, true},
		"it leads elsewhere":    {state.File{Kind: state.Symlink, Link: "releases/1"}, false},
		"a file that says that": {state.File{Kind: state.Regular, Link: "releases/2"}, false},
		"nothing lies there":    {state.File{}, false},
	} {
		after := state.Facts{Files: map[string]state.Fact[state.File]{"/opt/shop/current": {Value: tt.lies, At: state.Time{Up: 1, Boot: "b"}}}}
		if err := verify(s, state.Facts{}, after); (err == nil) != tt.well {
			t.Errorf("%s: %v", name, err)
		}
	}
}
