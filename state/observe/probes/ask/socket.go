package ask

import (
	"context"

	"github.com/pakashop/evenkeel/desired"
)

// tcp is well if somebody accepts a connection.
func (a *Asker) tcp(ctx context.Context, p desired.Probing) Sample {
	to := at(p.Probe.TCPSocket.Host, p.Probe.TCPSocket.Port, 0)
	c, err := a.dial(ctx, p, to)
	if err != nil {
		return fault(err, p, to.String())
	}
	_ = c.Close()
	return Sample{}
}

// unix is the same of a socket in the file system.
func (a *Asker) unix(ctx context.Context, p desired.Probing) Sample {
	c, err := dialUnix(ctx, p.Probe.Unix.Path)
	if err != nil {
		return fault(err, p, p.Probe.Unix.Path)
	}
	_ = c.Close()
	return Sample{}
}
