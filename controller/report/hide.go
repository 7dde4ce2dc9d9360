package report

import (
	"regexp"
	"sync"
)

// Values that somebody wrote into a unit or a configuration file by hand, and
// that log in: under a name that says so, in the address of a server, or after an
// option. Nobody has declared them sensitive, and a diff goes far: into a ticket,
// a chat, the page of a change. What is declared to hold secrets is not shown at
// all; this is for what should not have been there.
var secretive = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(\w://[^\s:/@]*:)([^\s@/]+)(@)`),
		regexp.MustCompile(`(?i)([\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key|access[_-]?key)[\w.-]*["']?\s*[=:]\s*["']?)([^\s"',;]+)`),
		regexp.MustCompile(`(?i)(\s--?[\w-]*(?:passw(?:or)?d|passphrase|secret|token|api-?key)\s+["']?)([^\s"'-][^\s"']*)`),
		regexp.MustCompile(`(?i)(\bSetCredential\s*=\s*[^:\s]+:)(.+)`),
	}
})

// hide takes such values out of the text of a diff. That they differ stays to be
// seen.
func hide(diff string) string {
	for _, r := range secretive() {
		diff = r.ReplaceAllString(diff, "${1}"+hidden+"${3}")
	}
	return diff
}
