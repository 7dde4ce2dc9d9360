// Package rehearse boots disposable hosts: a real systemd as PID 1 in
// namespaces of its own, over an overlay of this machine's root. There is no
// image and no hypervisor, a boot takes about half a second, and nothing that
// happens inside reaches the machine outside. The demo, the trial of a change
// before it is merged and the tests of this module all stand on it.
//
// A program that boots hosts starts itself again in two roles, so it calls
// [Init] first thing in main (or in TestMain) and returns if it says true.
//
// The package is a leaf: it imports the standard library and x/sys for the kernel.
// It knows nothing of
// desired or observed state.
package rehearse
