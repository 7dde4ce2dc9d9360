// Package adopt turns what was seen of a live host into the desired state that
// says just that: Service YAML, unit files and declared drop-ins. The folder that
// it makes, compared with the host that it was made from, shows no difference.
//
// It is pure: Host holds what was read, Folder what is to be written. It does
// neither.
//
//   - [Refs] and [Texts] say what must be read.
//   - [All] and [Named] choose units, and say what they leave out and why.
//   - [Make] writes them down; what cannot be said is named.
//   - [Lint] judges what was found.
package adopt
