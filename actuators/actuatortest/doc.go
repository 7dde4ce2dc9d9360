// Package actuatortest proves that an actuator keeps the contract of package
// actuators. It is for authors of plugins as much as for evenkeel's own.
//
// The author describes, in a Subject, what the actuator may be asked to do in a
// test and how to see what it did. Run asks it all that the contract promises,
// twice: called directly, and through a gRPC wire inside the test. RunProcess
// does the same with the plugin's program started as evenkeel starts it:
//
//	func TestContract(t *testing.T) { actuatortest.Run(t, subject) }
//
//	func TestPlugin(t *testing.T) {
//		program := actuatortest.Build(t, ".")
//		actuatortest.RunProcess(t, actuatortest.Program(t, "motd", program), subject)
//	}
//
// It may import the contract, wire and host, and the standard library; it is
// linked into tests only.
package actuatortest
