package metrics_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/state/observe/metrics/engine"
)

func TestMain(m *testing.M) {
	if engine.Child() {
		return
	}
	goleak.VerifyTestMain(m)
}
