package main

import (
	"runtime"
	"runtime/debug"
	gauges "runtime/metrics"
	"testing"
	"testing/fstest"
)

func TestMemoryLimit(t *testing.T) {
	const gib = 1 << 30
	for name, test := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing known":  {nil, noLimit},
		"machine":        {map[string]string{"proc/meminfo": "MemFree: 5 kB\nMemTotal:   8388608 kB\n"}, 7 * gib},
		"unusable":       {map[string]string{"proc/meminfo": "MemTotal: many kB\nMemTotal: 1\n", "proc/self/cgroup": "nonsense\n"}, noLimit},
		"version 2":      {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1073741824\n"}, gib / 8 * 7},
		"version 2 high": {map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/a/memory.high": "1073741824\n"}, gib / 8 * 7},
		"the one above is less": {map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "4294967296", "sys/fs/cgroup/a/memory.max": "1073741824",
		}, gib / 8 * 7},
		"container that sees its name on the machine": {map[string]string{
			"proc/self/cgroup": "0::/../../docker/4711\n", "sys/fs/cgroup/memory.max": "1073741824",
		}, gib / 8 * 7},
		"version 1": {map[string]string{
			"proc/self/cgroup": "4:cpu,memory:/a\n1:name=systemd:/\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824",
		}, gib / 8 * 7},
		"version 2 beside version 1": {map[string]string{
			"proc/self/cgroup": "4:memory:/a\n0::/a\n", "sys/fs/cgroup/unified/a/memory.max": "1073741824",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4294967296",
		}, gib / 8 * 7},
		"the machine is less than the group": {map[string]string{
			"proc/meminfo": "MemTotal: 1048576 kB\n", "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "4294967296",
		}, gib / 8 * 7},
		"very little": {map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1048576"}, leastMemoryLimit},
	} {
		root := fstest.MapFS{}
		for file, text := range test.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := memoryLimit(root); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestGarbagePercent(t *testing.T) {
	const mib = 1 << 20
	for live, want := range map[uint64]int{0: 400, mib: 400, 32 * mib: 400, 64 * mib: 200, 128 * mib: 100, 129 * mib: 100, 1 << 40: 100} {
		if got := garbagePercent(live); got != want {
			t.Errorf("%d MiB alive: %d, want %d", live/mib, got, want)
		}
	}
}

// TestGarbageFollowsLiveMemory lets the live memory grow and shrink. It looks at what the runtime has been told.
func TestGarbageFollowsLiveMemory(t *testing.T) {
	stop := adaptGarbage()
	defer debug.SetGCPercent(100)
	defer stop()
	reaches := func(what string, ok func(percent uint64) bool) {
		t.Helper()
		sample := []gauges.Sample{{Name: "/gc/gogc:percent"}}
		for range 1000 {
			runtime.GC()
			runtime.Gosched()
			if gauges.Read(sample); ok(sample[0].Value.Uint64()) {
				return
			}
		}
		t.Errorf("%s: GOGC is %d", what, sample[0].Value.Uint64())
	}
	ballast := make([]byte, 192<<20)
	reaches("192 MiB more", func(percent uint64) bool { return percent < 100+garbageStep })
	runtime.KeepAlive(ballast)
	ballast = nil
	reaches("as before", func(percent uint64) bool { return percent > 100+garbageStep })
}

// People are asked to wait before the collector has nothing else to do, and never where nothing bounds the memory.
func TestMemoryShort(t *testing.T) {
	for live, want := range map[uint64]bool{0: false, 600 << 20: false, 601 << 20: true, 2000 << 20: true} {
		if got := isShort(live, 1000<<20); got != want {
			t.Errorf("with %d MiB of 1000 alive: %v", live>>20, got)
		}
	}
	if memoryShort(noLimit) != nil {
		t.Error("memory is short where there is no limit")
	}
	ballast := make([]byte, 8<<20)
	runtime.GC()
	if live := liveMemory(); live < 8<<20 {
		t.Errorf("%d bytes are alive", live)
	}
	if !memoryShort(8<<20)() || memoryShort(1<<50)() {
		t.Error("the limit does not count")
	}
	runtime.KeepAlive(ballast)
}
