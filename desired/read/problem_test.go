package read

import (
	"testing"

	"github.com/pakashop/evenkeel/desired"
)

func TestManyProblemsKeepTheErrors(t *testing.T) {
	var p Problems
	for i := range 5000 {
		p = append(p, Problem{Pos: desired.Pos{File: "a", Line: i + 1}, Message: "w", Warning: true})
	}
	if got := tidy(p); len(got) != maxShown+1 || got.Err() != nil || got[maxShown].Message != "and 4000 more" {
		t.Errorf("%d problems, the last %v, %v", len(got), got[len(got)-1], got.Err())
	}
	p = append(p, Problem{Pos: desired.Pos{File: "z", Line: 1}, Message: "wrong"})
	if got := tidy(p); got.Err() == nil || got[maxShown-1].Message != "wrong" {
		t.Errorf("the error is lost: %v", got[len(got)-2:])
	}
}
