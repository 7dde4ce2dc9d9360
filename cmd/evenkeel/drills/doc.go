// Package drills_test drills runbooks with the real binary, as an operator does on his
// own machine: each drill boots a disposable host, breaks it and waits for the end. They
// lie beside the acceptance tests of package live, and not among them, because they wait
// for what an alert is watched for.
package drills_test
