package read

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestADefectIsToldOfItsDocument(t *testing.T) {
	doc := &document{file: &file{shown: "a.yaml"}, first: 7}
	p := guarded(doc, func() Problems { panic("oops") })
	if p.Err() == nil || !strings.HasPrefix(p.String(), "a.yaml:7:1: this document brought a defect") {
		t.Errorf("%v", p)
	}
}

func TestEachDoesAll(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		done := make([]int, n)
		each(n, func(i int) { done[i]++ })
		for i, d := range done {
			if d != 1 {
				t.Errorf("%d of %d was done %d times", i, n, d)
			}
		}
	}
}
