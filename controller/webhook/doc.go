// Package webhook tells somebody something by a POST of JSON, such as Slack and
// those who understand the same take.
//
// The URL of a webhook is a secret: whoever knows it can tell them anything. So it
// is in no error of this package, nor any part of it, and no redirect carries what is
// told to anybody else. The package knows nothing of evenkeel.
package webhook
