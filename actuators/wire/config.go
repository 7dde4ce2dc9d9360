package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// ConfigVariable is the environment variable in which a plugin gets the config
// of its Actuator object, as JSON. Config reads it.
const ConfigVariable = "EVENKEEL_ACTUATOR_CONFIG"

// Config decodes what the Actuator object has under config into a pointer to a
// struct with JSON tags. A field that the struct does not have is an error:
// a misspelt name must not be ignored. Without config nothing is written.
func Config(into any) error {
	text := os.Getenv(ConfigVariable)
	if text == "" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read config: %w", err)
	}
	return nil
}
