// Package wire carries the contract of package actuators over gRPC, between
// evenkeel and a plugin process.
//
// A plugin author calls Serve, which is the whole of a plugin's main, and
// Config. Package host and the conformance suite use NewClient and Register.
// Nothing of gRPC shows in what they pass around: both ends are
// actuators.Actuator, and an actuator behaves the same with and without a wire
// between, which package actuatortest proves.
//
// It may import the contract, go-plugin, gRPC and protobuf, and nothing else of
// evenkeel's: a plugin links all that it imports.
package wire
