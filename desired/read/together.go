package read

import (
	"bytes"
	"sync/atomic"

	"gopkg.in/yaml.v3"
)

// To start a YAML parser costs as much as to read a small document, so those
// that follow each other in a file are read by one parser, in runs of so many.
const (
	maxRun   = 32
	maxSmall = 4 << 10 // bytes
)

// run is a number of documents that follow each other, from included.
type run struct{ from, to int }

func runsOf(docs []*document) []run {
	var runs []run
	for i, d := range docs {
		if n := len(runs) - 1; i > 0 && d.file == docs[i-1].file && d.small() && docs[i-1].small() && i-runs[n].from < maxRun {
			runs[n].to = i + 1
			continue
		}
		runs = append(runs, run{i, i + 1})
	}
	return runs
}

// small tells a document that can be one of a run. What stands before the first
// marker of a file may be nothing but comments, and is then no document at all.
func (d *document) small() bool { return len(d.text) <= maxSmall && isMarker(firstLine(d.text)) }

func firstLine(text []byte) []byte {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i+1]
	}
	return text
}

// shared is a document as the parser of its run read it.
type shared struct {
	root  yaml.Node // empty: the run could not be read as a whole
	lines int       // of the run, before it
}

// together reads a run. If anything is wrong with a part of it, nothing is read,
// and each document says alone what is wrong with it.
func together(docs []*document) []shared {
	all, ok := make([]shared, len(docs)), false
	guarded(docs[0], func() Problems {
		ok = len(docs) > 1 && decodeRun(docs, all)
		return nil
	})
	if !ok {
		clear(all)
	}
	return all
}

func decodeRun(docs []*document, all []shared) bool {
	var text bytes.Buffer
	for i, d := range docs {
		if p := (parser{doc: d}); !p.readable(d.text) {
			return false
		}
		if i > 0 {
			all[i].lines = all[i-1].lines + bytes.Count(docs[i-1].text, []byte("\n"))
		}
		text.Write(d.text)
	}
	y := yaml.NewDecoder(&text)
	for i := range all {
		if err := y.Decode(&all[i].root); err != nil || all[i].root.Line != all[i].lines+1 {
			return false
		}
	}
	return true
}

// parse is as that of the document alone, which is asked where something is
// wrong: there an alias has no anchor in another document.
func (s *shared) parse(doc *document, values *atomic.Int64) Problems {
	if s.root.Kind == 0 {
		return parse(doc, values)
	}
	p := parser{doc: doc, first: doc.first - s.lines}
	if p.root(&s.root); len(p.problems) > 0 {
		doc.root = nil
		return parse(doc, values)
	}
	p.count(values)
	return p.problems
}
