package freeport

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// TestMain prints ports instead if it is asked to, for the test of two processes.
func TestMain(m *testing.M) {
	if os.Getenv("FREEPORT_PRINT") == "" {
		os.Exit(m.Run())
	}
	for range block {
		port, err := Take()
		if err != nil {
			panic(err)
		}
		fmt.Println(port)
	}
	var until [1]byte
	os.Stdin.Read(until[:]) // its ports are its own while it lives
}

// TestNobodyElse: no port is handed out twice, in one process or in two.
func TestNobodyElse(t *testing.T) {
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "FREEPORT_PRINT=1")
	stay, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	other.Stdout = &out
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	seen := make(map[int]bool)
	var group sync.WaitGroup
	var both sync.Mutex
	for range 8 {
		group.Go(func() {
			for range block / 4 {
				row, err := Row(3)
				if err != nil {
					t.Error(err)
					return
				}
				both.Lock()
				for port := row; port < row+3; port++ {
					if seen[port] {
						t.Errorf("port %d was handed out twice", port)
					}
					seen[port] = true
				}
				both.Unlock()
			}
		})
	}
	group.Wait()
	stay.Close()
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	theirs := strings.Fields(out.String())
	if len(theirs) != block {
		t.Fatalf("the other process had %d ports", len(theirs))
	}
	for _, text := range theirs {
		var port int
		fmt.Sscan(text, &port)
		if seen[port] {
			t.Errorf("port %d was handed out here and there", port)
		}
	}
}

// TestTaken: a port that somebody listens on is left out, and a row has none of those.
func TestTaken(t *testing.T) {
	port, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+2))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if row, err := Row(3); err != nil || row <= port+2 {
		t.Errorf("a row begins at %d, %v, and somebody listens on %d", row, err, port+2)
	}
}
