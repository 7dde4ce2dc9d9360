// Package powerless is how a child of this program comes to have no rights: whoever
// starts it forswears them and makes it somebody without any, and the child gives up
// what a start could not take, is bounded by the kernel, and refuses to go on with
// any right that is left.
//
// It is for what handles a stranger's words while evenkeel is root. What such a child
// must have all the same, a folder or a call of the kernel, is its own affair.
package powerless
