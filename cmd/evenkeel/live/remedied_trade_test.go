package live_test

import (
	"strings"
)

// What goes wrong in what customers do, and with those outside.

// The queue of reviews is long: more workers take from it, as many as there may be.
func reviewsPile(b box, r remedied) {
	b.sh(`systemd-run -q -u flagging sh -c "while sleep 0.5; do redis-cli eval 'while redis.call(\"llen\", \"fraud:queue\") < 140 do redis.call(\"lpush\", \"fraud:queue\", \"{}\") end' 0; done"`)
	b.stepped(r, "scale.set pakashop-fraud-worker to=2")
	b.tells(r, "from where on a rule flags a payment: 5000  rule=amount", "share of the payments that were flagged: 0")
	b.stepped(r, "scale.set pakashop-fraud-worker to=4")
	if out := b.must(0, "why", "pakashop-fraud-worker").out; !strings.Contains(out, "4 instances, as a remedy asked for") {
		b.Errorf("why does not tell that there are more: %s", out)
	}
	b.sh("systemctl stop flagging")
}

// A request ends in an exception that nothing handles: which, and where it ran, shows
// by its trace, and a human is asked.
func exceptionIsMet(b box, r remedied) {
	const trace = "0af7651916cd43dd8448eb211c80319c"
	b.sh("curl -fsS -d kind=exception 127.0.0.1:3012/fault; curl -sS -H 'traceparent: 00-" + trace + "-b7ad6b7169203331-01' '127.0.0.1:3012/checkout?cart=7'")
	b.tells(r,
		`1 at [0-9:]+  trace_id=`+trace,
		`pakashop-loyalty crit: unhandled exception err=.* traceId=`+trace+` req\.method=GET req\.url=/checkout\?cart=7`,
		`env: go=go1\.\d+\S* goroutines=\d+ service=pakashop-loyalty uptime=`,
		`what else trace `+trace+` says:\n.*request errored .*statusCode=500`)
	if steps := b.waits(r, "AwaitingApproval", "mend it, or take the last change back? (for platform to answer)"); len(steps) != 1 {
		b.Errorf("the question is none to answer: %q", steps)
	}
	b.sh("curl -fsS -d kind=off 127.0.0.1:3012/fault")
}

// The revenue authority refuses the key: what is to be known is gathered, and to keep
// invoices here is proposed. A human lets it go.
func invoicesFail(b box, r remedied) {
	b.sh("curl -fsS -d kind=expired 127.0.0.1:3100/outside/zra")
	steps := b.waits(r, "AwaitingApproval", "/usr/local/lib/pakashop/zra-mock on always waits for approval: evenkeel approve ")
	b.tells(r, `zra/health\n.*\n?status: 200 OK`, `days until the key ends: 2\d{4}`, `mock mode \(0: off, 1: on\): 0`, `zra.validate failed err=.*401`)
	if len(steps) != 1 {
		b.Fatalf("a human may approve %q, want one", steps)
	}
	b.sh("! test -e /var/lib/pakashop/zra-mock")
	b.must(0, "approve", steps[0])
	b.stepped(r, "exec.run /usr/local/lib/pakashop/zra-mock")
	b.sh("test -e /var/lib/pakashop/zra-mock")
	b.comes(said("3016", "^zra_transmissions_total.*mock", "2"))
}

// A payment gateway is down: while it is, what requires it is not restarted, and when
// it is back the alert ends by itself.
func paymentsFail(b box, r remedied) {
	b.sh("redis-cli hset fraud:reviews cleared 3 confirmed 1; curl -fsS -d kind=errors 127.0.0.1:3100/outside/pawapay")
	b.waits(r, "DependencySick", "pawapay is down, and comes first; step 6, restart, waits")
	b.tells(r, `payment.process failed .*err=.*500.* gateway=pawapay`, `Endpoint pawapay.*\n(.*\n)*.*status: 500`, `Endpoint flutterwave.*\n(.*\n)*.*status: 200`,
		`share of the fraud service's reviews that were false positives: 0\.\d+`)
	if a := b.alert(r.alert); a.Suppressed == nil || a.Suppressed.By != "dependency" {
		b.Errorf("the alert is not shown as suppressed: %+v", a)
	}
	for _, verb := range [][]string{{"why", "pakashop-settlement"}, {"diff"}} {
		if out := b.evenkeel(verb...).out; !strings.Contains(strings.Join(strings.Fields(out), " "), "pawapay is down, and comes first; step 6, restart, waits") {
			b.Errorf("%s does not tell what is waited for:\n%s", verb, out)
		}
	}
	b.sh("curl -fsS -d kind=off 127.0.0.1:3100/outside/pawapay")
}
