// Package brygga holds the example of a configuration, so that whoever has the program has it too.
package brygga

import _ "embed"

// ExampleConfig is config.example.yaml, with every key.
//
//go:embed config.example.yaml
var ExampleConfig string
