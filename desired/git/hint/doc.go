// Package hint takes the push webhooks of GitHub, GitLab, Gitea, Forgejo and
// Bitbucket, so that a branch is looked at when something was pushed, and not only
// when its turn comes.
//
// A webhook is a hint and nothing more: of what it says nothing is read, not even
// which branch it is about. What is in force is found out as ever, by a fetch that
// is checked as ever; whoever forges a hint, or sends one again, wins a fetch, and
// one in ten seconds at the most. Even so only those are listened to who know the
// secret that the webhook was given, because each fetch is work.
//
// It imports nothing of evenkeel, nor anything but the standard library.
package hint
