package bankidsim

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"
)

// appVersion is newer than any BankID that there is.
const appVersion = "7.99.0"

// devices are what the app runs on, in the words of the signed data (BankID API: signature profile).
var devices = map[string]struct {
	platform, version string
	desktop           string // what a computer's version names it; empty for a phone
}{
	"iphone":  {"IPHONE", "18.5", ""},
	"android": {"ANDROID", "15", ""},
	"mac":     {"OS_X", "15.5", "macosx"},
	"windows": {"WINDOWS", "win10", "win64"},
}

// deviceFor returns the device that a BankID is used on. BankID on file is on computers, the mobile one on phones.
func deviceFor(id BankID, device string) (string, error) {
	onFile := id.Policy == PolicyFile
	switch {
	case device == "" && onFile:
		return "mac", nil
	case device == "":
		return "iphone", nil
	}
	if d, known := devices[device]; !known || (d.desktop != "") != onFile {
		return "", refuse(http.StatusBadRequest, "badRequest", "device is iphone or android for a mobile BankID, mac or windows for one on file")
	}
	return device, nil
}

// clientVersion is what the app says of itself: a phone its version, a computer pairs of a key and a value.
func clientVersion(device, uhi string, at time.Time) string {
	d := devices[device]
	if d.desktop == "" {
		return appVersion
	}
	return fmt.Sprintf("Personal=%[1]s.1&BankID_exe=%[1]s.1&BISP=%[1]s.1&platform=%[2]s&os_version=%[3]s&display_version=&uhi=%[4]s&legacyuhi=&best_before=%[5]d&",
		appVersion, d.desktop, d.version, uhi, at.AddDate(0, 3, 0).Unix())
}

// hardwareID identifies the person's device, the same at each login: 20 bytes in base64 of a phone, 21 of a computer.
func hardwareID(p Person, device string) string {
	sum, length := sha256.Sum256([]byte(device+" of "+p.PersonalNumber)), 20
	if devices[device].desktop != "" {
		length = 21
	}
	return base64.StdEncoding.EncodeToString(sum[:length])
}
