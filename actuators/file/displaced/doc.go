// Package displaced keeps what a human had written where evenkeel wrote, so
// that no overwriting and no removing loses it: each copy as a file of its own
// with a small description beside it, readable without evenkeel.
//
//	/var/lib/evenkeel/displaced/          0700
//	    20261123T020151Z-3f9a0c           0600  the content, byte for byte
//	    20261123T020151Z-3f9a0c.json      0600  where it lay, whose it was, why it was displaced
//
// It imports the standard library only; the actuator that displaces and the
// command that shows and restores meet here.
package displaced
