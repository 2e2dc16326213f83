// Package browsertest says which browser tests drive, and how it is started.
package browsertest

import (
	"os"
	"os/exec"
	"slices"

	"github.com/chromedp/chromedp"
)

// Variable names the environment variable that holds another browser to drive: a path, or a name on the PATH. Its value chromium is the
// browser that people have, with its windows, which takes three times the processor.
const Variable = "BRYGGA_TEST_BROWSER"

// shell is Debian's Chromium without windows: the same engine.
const shell = "chromium-headless-shell"

// Options returns how Chromium is started: the one that [Variable] names, else Debian's without windows where it is there, else the first that
// chromedp finds. It finds no host but this one, and asks for nothing by itself.
func Options(more ...chromedp.ExecAllocatorOption) []chromedp.ExecAllocatorOption {
	options := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
	}, more)
	name := os.Getenv(Variable)
	if name == "" {
		if _, err := exec.LookPath(shell); err != nil {
			return options
		}
		name = shell
	}
	return append(options, chromedp.ExecPath(name))
}
