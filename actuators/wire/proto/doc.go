// Package proto is the generated code of actuator.proto. Only package wire
// imports it; everybody else speaks in the plain types of package actuators.
package proto

//go:generate ./generate
