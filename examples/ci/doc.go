// Package ci holds pipelines to copy. Its tests run their very lines, against real
// repositories and a forge that is made up.
package ci
