package files

import (
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// install is what the [Install] section of a unit file and its drop-ins says.
type install struct {
	aliases  []string
	wanted   []string // WantedBy=, RequiredBy=, UpheldBy=
	also     []string
	instance string // DefaultInstance=
}

// rules tells whether `systemctl enable` would make a link.
func (i install) rules() bool { return len(i.aliases)+len(i.wanted) > 0 }

// merge adds what a drop-in says to what was said before it.
func (i install) merge(d install) install {
	out := install{instance: i.instance}
	out.aliases = append(append(out.aliases, i.aliases...), d.aliases...)
	out.wanted = append(append(out.wanted, i.wanted...), d.wanted...)
	out.also = append(append(out.also, i.also...), d.also...)
	if d.instance != "" {
		out.instance = d.instance
	}
	return out
}

var errSyntax = errors.New("a section header is not closed")

// maxUnitFile bounds the size of a unit file, in bytes.
const maxUnitFile = 1 << 20

// readInstall reads the [Install] section of a unit file.
func readInstall(path string) (install, error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := openQuietly(path, flags)
	if err != nil {
		return install{}, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return install{}, errors.Join(err, unix.EINVAL)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxUnitFile))
	if err != nil {
		return install{}, err
	}
	return parseInstall(string(text))
}

// parseInstall finds the [Install] section in the text of a unit file. What
// systemd only warns of is passed over.
func parseInstall(text string) (install, error) {
	var in install
	section, rest := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, ";") {
			continue // also within a continued line
		}
		if before, ok := strings.CutSuffix(line, `\`); ok {
			rest += before + " "
			continue
		}
		trimmed, rest = strings.TrimSpace(rest+line), ""
		if strings.HasPrefix(trimmed, "[") {
			if !strings.HasSuffix(trimmed, "]") {
				return in, errSyntax
			}
			section = trimmed
			continue
		}
		if key, value, ok := strings.Cut(trimmed, "="); ok && section == "[Install]" {
			in.set(strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
	return in, nil
}

// set takes one assignment; an empty value resets a list, as in systemd.
func (i *install) set(key, value string) {
	lists := map[string]*[]string{
		"Alias": &i.aliases, "WantedBy": &i.wanted, "RequiredBy": &i.wanted, "UpheldBy": &i.wanted, "Also": &i.also,
	}
	if key == "DefaultInstance" {
		i.instance = value
		return
	}
	list, ok := lists[key]
	if !ok {
		return
	}
	if value == "" && key != "Also" {
		*list = nil
		return
	}
	for _, w := range strings.Fields(value) {
		*list = append(*list, strings.Trim(w, `"'`))
	}
}
