package main

import (
	"context"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	gauges "runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// cheapGarbage is how much garbage may always lie about before it is collected, four times the live memory at most: a server
	// with little live memory saves most of the collector's work that way. One with more lets as much lie as is alive.
	cheapGarbage     = 128 << 20
	mostGarbage      = 400 // percent of the live memory
	leastGarbage     = 100
	garbageStep      = 10 // percent: smaller changes are not made, as each stops all work for a moment
	memoryShare      = 7.0 / 8
	leastMemoryLimit = 32 << 20
	// shortShare of the limit may be alive before people are asked to wait: with more the collector would work without end.
	shortShare = 0.6
	cgroupRoot = "sys/fs/cgroup"
	noLimit    = math.MaxInt64
)

// tuneMemory bounds the memory of the process by what the machine or its control group has, and lets more garbage lie while little
// memory is alive. GOMEMLIMIT and GOGC override the one and the other.
func tuneMemory(h *host, log *slog.Logger) {
	if variable(h, "GOMEMLIMIT") == "" {
		if limit := memoryLimit(os.DirFS("/")); limit != noLimit {
			debug.SetMemoryLimit(limit)
			log.LogAttrs(context.Background(), slog.LevelInfo, "memory limit", slog.Int64("bytes", limit))
		}
	}
	if variable(h, "GOGC") == "" {
		adaptGarbage()
	}
}

// startGarbage is how long after its start a server has none left of it.
const startGarbage = time.Second

// giveBack returns to the system what was needed to start and is not any more: a server with little to do would keep it.
func giveBack(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(startGarbage):
		debug.FreeOSMemory()
		giveBackProgram()
	}
}

// memoryLimit returns what the Go runtime may use of the memory that there is: seven eighths, as the pages of the store file and
// the kernel need some too. It is noLimit when nothing says how much there is.
func memoryLimit(root fs.FS) int64 {
	there := min(machineMemory(root), groupMemory(root))
	if there == noLimit {
		return there
	}
	return max(int64(float64(there)*memoryShare), leastMemoryLimit)
}

// machineMemory returns the memory of the machine, in bytes (proc_meminfo(5)).
func machineMemory(root fs.FS) int64 {
	text, _ := fs.ReadFile(root, "proc/meminfo")
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			if kib := bytesIn(fields[1]); kib < noLimit>>10 {
				return kib << 10
			}
		}
	}
	return noLimit
}

// groupMemory returns the least that the control group of the process, or one that it lies in, allows (cgroups(7)): of version 2,
// alone or beside version 1, or of version 1.
func groupMemory(root fs.FS) int64 {
	least := int64(noLimit)
	text, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch id, controllers, group := parts[0], parts[1], parts[2]; {
		case id == "0" && controllers == "":
			least = min(least, leastAbove(root, cgroupRoot, group, "memory.max", "memory.high"),
				leastAbove(root, cgroupRoot+"/unified", group, "memory.max", "memory.high"))
		case slices.Contains(strings.Split(controllers, ","), "memory"):
			least = min(least, leastAbove(root, cgroupRoot+"/memory", group, "memory.limit_in_bytes"))
		}
	}
	return least
}

// leastAbove returns the least number in files of those names, in the directory of the group and in all above it. In a container the
// group may be named as the machine sees it, and only its end, or nothing of it, is there.
func leastAbove(root fs.FS, mount, group string, names ...string) int64 {
	least := int64(noLimit)
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		for _, name := range names {
			if text, err := fs.ReadFile(root, path.Join(mount, group, name)); err == nil {
				least = min(least, bytesIn(strings.TrimSpace(string(text))))
			}
		}
		if group == "/" {
			return least
		}
	}
}

// bytesIn returns the number, or noLimit for "max" and for all that is no positive number.
func bytesIn(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return noLimit
	}
	return n
}

// garbagePercent returns how much garbage may lie about before it is collected, in percent of the live memory (GOGC).
func garbagePercent(live uint64) int {
	if live == 0 {
		return mostGarbage
	}
	return int(min(max(cheapGarbage*100/live, leastGarbage), mostGarbage))
}

// memoryShort returns what reports whether so much is alive that people must wait, by the limit of the process (GOMEMLIMIT).
func memoryShort(limit int64) func() bool {
	if limit == noLimit {
		return nil
	}
	return func() bool { return isShort(liveMemory(), limit) }
}

func isShort(live uint64, limit int64) bool { return float64(live) > shortShare*float64(limit) }

// liveMemory returns what was alive at the last collection, in bytes; 0 when nobody knows.
func liveMemory() uint64 {
	sample := []gauges.Sample{{Name: "/gc/heap/live:bytes"}}
	gauges.Read(sample)
	if sample[0].Value.Kind() != gauges.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// adaptGarbage sets GOGC by the live memory, now and after each collection. Stop ends that and leaves GOGC as it is.
func adaptGarbage() (stop func()) {
	g := &garbageGauge{percent: mostGarbage, stopped: new(atomic.Bool)}
	debug.SetGCPercent(g.percent)
	stopped := g.stopped
	g.arm()
	return func() { stopped.Store(true) }
}

// garbageGauge is garbage itself, so that each collection finds it.
type garbageGauge struct {
	percent int
	stopped *atomic.Bool
}

func (g *garbageGauge) arm() { runtime.SetFinalizer(g, (*garbageGauge).collected) }

// collected is called after a collection.
func (g *garbageGauge) collected() {
	if g.stopped.Load() {
		return
	}
	if live := liveMemory(); live > 0 {
		percent := garbagePercent(live)
		if change := percent - g.percent; max(change, -change) >= garbageStep {
			g.percent = percent
			debug.SetGCPercent(percent)
		}
	}
	g.arm()
}
