package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const smapsOfProgram = `00400000-01358000 r-xp 00000000 fe:00 10232277                           /opt/br ygga
Size:              15708 kB
Rss:               12448 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
01358000-02405000 r--p 00f58000 fe:00 10232277                           /opt/br ygga
Rss:               12596 kB
Anonymous:             4 kB
VmFlags: rd mr mw me
02405000-0256a000 rw-p 02005000 fe:00 10232277                           /opt/br ygga
Anonymous:             0 kB
0256a000-0344d000 rw-p 00000000 00:00 0
Anonymous:           100 kB
7f400c000000-7f440c000000 r--s 00000000 fe:00 9987387                    /data/brygga.db
Anonymous:             0 kB
`

// Only what stands in the program file as it is in memory is given back.
func TestUnchangedMappings(t *testing.T) {
	var all []mapping
	var given []uintptr
	for m := range mappings(strings.NewReader(smapsOfProgram)) {
		all = append(all, m)
		if m.unchanged("/opt/br ygga") {
			given = append(given, m.from)
		}
	}
	want := []mapping{
		{0x400000, 0x1358000, "r-xp", "/opt/br ygga", 0}, {0x1358000, 0x2405000, "r--p", "/opt/br ygga", 4}, {0x2405000, 0x256a000, "rw-p", "/opt/br ygga", 0},
		{0x256a000, 0x344d000, "rw-p", "", 100}, {0x7f400c000000, 0x7f440c000000, "r--s", "/data/brygga.db", 0},
	}
	if !slices.Equal(all, want) {
		t.Errorf("mappings %+v, want %+v", all, want)
	}
	if !slices.Equal(given, []uintptr{0x400000}) {
		t.Errorf("given back: %x", given)
	}
}

// filesInMemory returns how many kilobytes of files the process has in memory.
func filesInMemory(t *testing.T) (kilobytes int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "RssFile:")
	if n, err := fmt.Sscan(rest, &kilobytes); n != 1 {
		t.Fatal(err)
	}
	return kilobytes
}

// The program goes on without its pages, and with all that is its own.
func TestProgramPagesAreGivenBack(t *testing.T) {
	adviseProgram(unix.MADV_POPULATE_READ) // a server of another test may have given them back
	before := filesInMemory(t)
	for range 3 {
		giveBackProgram()
	}
	if after := filesInMemory(t); after > before*3/4 {
		t.Errorf("%d KiB of files are in memory, %d before", after, before)
	}
}
