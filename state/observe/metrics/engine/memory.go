package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// memory is what must outlive this process: which alerts were active, and on which
// targets they and their rules rested. An alert whose target cannot be read after a
// start is not over.
type memory struct {
	path string
	log  *slog.Logger
	of   map[string]ofSource // by source
	text map[string][]byte
}

// ofSource is what is kept of one source.
type ofSource struct {
	Alerts []keptAlert `json:"alerts,omitempty"`
	Places []keptPlace `json:"places,omitempty"`
}

type keptAlert struct {
	Alert  state.ActiveAlert `json:"alert"`
	Places []keptPlace       `json:"places,omitempty"`
}

type keptPlace [2]string // job, instance

// maxMemory bounds the file.
const maxMemory = 16 << 20

// remembered reads the file. What cannot be read was not remembered.
func remembered(path string, log *slog.Logger) memory {
	m := memory{path: path, log: log, of: map[string]ofSource{}, text: map[string][]byte{}}
	b, err := os.ReadFile(path)
	if err == nil && len(b) > maxMemory {
		err = errors.New("it is too long")
	}
	if err == nil {
		err = json.Unmarshal(b, &m.of)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("which alerts were active is not known", "error", err)
		m.of = map[string]ofSource{}
	}
	return m
}

func placesOf(list []keptPlace) map[place]bool {
	out := make(map[place]bool, len(list))
	for _, p := range list {
		out[place{p[0], p[1]}] = true
	}
	return out
}

func keepPlaces(all map[place]bool) []keptPlace {
	var out []keptPlace
	for p := range all {
		out = append(out, keptPlace{p.job, p.instance})
	}
	slices.SortFunc(out, func(a, b keptPlace) int { return strings.Compare(a[0]+"\x00"+a[1], b[0]+"\x00"+b[1]) })
	return out
}

// has tells whether alerts of a source were active.
func (m *memory) has(source string) bool { return len(m.of[source].Alerts) > 0 }

// places are those on which a source rested.
func (m *memory) places(source string) map[place]bool { return placesOf(m.of[source].Places) }

// alerts are those of a source that were active, by ID.
func (m *memory) alerts(source string) map[string]*active {
	out := map[string]*active{}
	for _, a := range m.of[source].Alerts {
		out[a.Alert.ID] = &active{ActiveAlert: a.Alert, places: placesOf(a.Places)}
	}
	return out
}

// keep remembers what is active now.
func (m *memory) keep(source string, now map[string]*active, places map[place]bool) {
	is := ofSource{Places: keepPlaces(places)}
	for _, a := range now {
		is.Alerts = append(is.Alerts, keptAlert{a.ActiveAlert, keepPlaces(a.places)})
	}
	slices.SortFunc(is.Alerts, func(a, b keptAlert) int { return strings.Compare(a.Alert.ID, b.Alert.ID) })
	b, err := json.Marshal(is)
	if err != nil || bytes.Equal(b, m.text[source]) {
		return
	}
	m.of[source], m.text[source] = is, b
	m.write()
}

// forget keeps nothing of sources that are no more.
func (m *memory) forget(all map[string]*source) {
	n := len(m.of)
	maps.DeleteFunc(m.of, func(name string, _ ofSource) bool { return all[name] == nil })
	maps.DeleteFunc(m.text, func(name string, _ []byte) bool { return all[name] == nil })
	if len(m.of) < n {
		m.write()
	}
}

func (m *memory) write() {
	b, err := json.Marshal(m.of)
	if err == nil {
		err = os.WriteFile(m.path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(m.path+".new", m.path)
	}
	if err != nil {
		m.log.Warn("which alerts are active is not remembered", "error", err)
	}
}
