// Package livetest changes a real host by hand, in every way that there is, and
// asks package changes what it saw. It holds tests alone.
package livetest
