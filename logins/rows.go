package logins

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"brygga/storage"
)

// The keys of notes begin with a byte that says what the note is.
const (
	turnRow    byte = 'i' // nothing → how far the audit log was read
	loginRow   byte = 'l' // minute (4 bytes) + the reference's last four digits + login ID → Login
	personRow  byte = 'p' // hash (8 bytes) + place of the login → key of its row
	subjectRow byte = 's' // the same by subject
	networkRow byte = 'n' // the same by network
	filterRow  byte = 'c' // the same by client, outcome or cause: see filter
	hourRow    byte = 'h' // hour (4 bytes) + client ID → Counts of the logins begun in it
	dayRow     byte = 'd' // its first hour (4 bytes) + client ID → Counts of what happened on it, in Swedish time
	monthRow   byte = 'm' // the same of months
)

// placeSize is the length of a login's place: its minute and the end of its reference, which hardly two logins share.
const placeSize = 4 + 4

// minuteOf returns the minutes since 1970, none for times before.
func minuteOf(at time.Time) uint32 { return uint32(max(0, at.Unix()/60)) }

// hourOf returns the hours since 1970.
func hourOf(at time.Time) uint32 { return uint32(max(0, at.Unix()/3600)) }

func timeOfHour(hour uint32) time.Time { return time.Unix(int64(hour)*3600, 0).UTC() }

// place returns where a login stands among all.
func place(begun time.Time, reference storage.Reference) []byte {
	_, end, _ := strings.Cut(string(reference), "-")
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, placeSize), minuteOf(begun)), end...)
}

// key returns the key of the login's row.
func (l *Login) key() []byte {
	return append(append([]byte{loginRow}, place(l.Begun, l.Reference)...), l.ID...)
}

// waysVersion is that of the rows that ways returns. It grows with them, and books of before get those that they lack: see Book.fill.
const waysVersion = 1

// ways returns the keys of the rows that lead to the login.
func (l *Login) ways() (keys [][]byte) {
	at := place(l.Begun, l.Reference)
	add := func(kind byte, value string) {
		if value != "" {
			keys = append(keys, append(wayTo(kind, value), at...))
		}
	}
	add(personRow, l.Person)
	add(subjectRow, l.Subject)
	add(networkRow, networkOf(l.Address))
	if l.ClientID != "" {
		add(filterRow, filter(l.ClientID, "", ""))
	}
	if l.Outcome != Failed && l.Outcome != Ended { // most logins are completed, and those that are under way soon will be
		return keys
	}
	for _, client := range []string{"", l.ClientID} {
		add(filterRow, filter(client, l.Outcome, ""))
		add(filterRow, filter(client, "", l.Cause))
		if l.ClientID == "" {
			break
		}
	}
	return keys
}

// filter returns what rows of logins by client, and by outcome or cause, are for.
func filter(client string, outcome Outcome, cause string) string {
	return client + "\x00" + string(outcome) + "\x00" + cause
}

// wayTo returns how the keys of all rows begin that lead to logins by that value.
func wayTo(kind byte, value string) []byte {
	hash := sha256.Sum256([]byte(value))
	return append([]byte{kind}, hash[:8]...)
}

// Networks by which logins are found: what one subscriber has, or nearly so.
const (
	networkBits4 = 24
	networkBits6 = 48
)

// networkOf returns the network of an address, "" for what is none.
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	bits := networkBits6
	if ip.Is4() {
		bits = networkBits4
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return ""
	}
	return network.String()
}

// countsKey returns the key of counts; the empty client stands for all.
func countsKey(kind byte, hour uint32, client string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind}, hour), client...)
}

// behind returns the first key after all that begin so.
func behind(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end
		}
	}
	return bytes.Repeat([]byte{0xFF}, 64)
}
