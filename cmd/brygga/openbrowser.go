package main

import (
	"os/exec"
	"runtime"
)

// openBrowser has the system open an address in the person's browser. It returns when that is under way, or cannot be.
func openBrowser(address string) error {
	command := []string{"xdg-open", address}
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open", address}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler", address}
	}
	opener := exec.Command(command[0], command[1:]...)
	if err := opener.Start(); err != nil {
		return err
	}
	go opener.Wait() // how it ends is the browser's matter
	return nil
}
