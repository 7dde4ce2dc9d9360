// Package sim is a simulated host in virtual time: a small, faithful model of
// what systemd and a file system do to units, for properties over thousands of
// histories, for rehearsals where no namespaces can be had, and for replays. It
// supervises nothing: its processes are a few words about how long they run.
//
// A Host is the controller's Observer, and its Actuators are the real systemd
// actuator over a simulated Manager and a file actuator that keeps the real
// one's promises. Whoever breaks the host by hand uses its other methods.
//
// Time stands still until Advance moves it, or follows the time package while
// Run runs, which in a testing/synctest bubble is the bubble's time. With one
// seed, what happens is the same each time.
//
// What it is worth is shown by its conformance test (the package livetest
// below): one table of scenarios, done on a real systemd and here, and the
// facts compared. What is not in that table is not promised; above all there
// are no timers that elapse, no sockets that start services, no resource limits
// and no cgroups.
//
// What runs may be sick by hand: FallSick, SetNetwork and Away are what the real
// prober, which asks in the host's time, is told.
//
// It imports state, the prober, the actuator contract and the systemd and file
// actuators (for their code and their descriptions), and nothing of the controller.
package sim
