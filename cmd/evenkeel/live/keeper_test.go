package live_test

// keeperUnit is evenkeel as a service of the host. It looks at everything
// anew so rarely that what heals heals because its watches saw it.
const keeperUnit = `[Service]
Type=notify
ExecStart=/usr/local/bin/evenkeel run -f ` + desiredDir + ` --resync 1h
ExecReload=/bin/kill -HUP $MAINPID
WatchdogSec=120
`

// keep starts evenkeel as a service and returns when it says that it is ready.
func (b box) keep() {
	b.Helper()
	b.write("/run/systemd/system/evenkeel.service", keeperUnit)
	b.sh("systemctl daemon-reload && systemctl start evenkeel")
}

// unseen does several things by hand of which evenkeel, which stands still
// meanwhile, sees the result alone.
func unseen(by string) string {
	return "systemctl kill -s STOP evenkeel && { " + by + "; } ; s=$?; systemctl kill -s CONT evenkeel; exit $s"
}
