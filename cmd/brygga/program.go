package main

import (
	"bufio"
	"io"
	"iter"
	"strconv"
	"strings"
)

// mapping is a part of the address space (proc_pid_smaps(5)).
type mapping struct {
	from, to    uintptr
	permissions string
	file        string
	// own is how many kilobytes of it are copies of the process's own, which stand in no file.
	own uint64
}

// mappings reads what /proc/self/smaps says.
func mappings(smaps io.Reader) iter.Seq[mapping] {
	return func(yield func(mapping) bool) {
		var m mapping
		lines := bufio.NewScanner(smaps)
		for lines.Scan() {
			name, rest, _ := strings.Cut(lines.Text(), " ")
			if amount, found := strings.CutSuffix(strings.TrimSpace(rest), " kB"); found && name == "Anonymous:" {
				m.own, _ = strconv.ParseUint(amount, 10, 64)
				continue
			}
			if from, to, found := strings.Cut(name, "-"); found && !strings.HasSuffix(name, ":") {
				if m.to > 0 && !yield(m) {
					return
				}
				m = mapping{from: address(from), to: address(to)}
				if fields := strings.Fields(rest); len(fields) >= 4 {
					m.permissions, m.file = fields[0], strings.TrimSpace(strings.Join(fields[4:], " "))
				}
			}
		}
		if m.to > 0 && lines.Err() == nil {
			yield(m)
		}
	}
}

func address(hexadecimal string) uintptr {
	n, _ := strconv.ParseUint(hexadecimal, 16, 64)
	return uintptr(n)
}

// unchanged reports whether all that is in memory of the mapping stands as it is in the file, and nobody may change it.
func (m mapping) unchanged(file string) bool {
	return m.file == file && len(m.permissions) == 4 && m.permissions[1] == '-' && m.own == 0
}
