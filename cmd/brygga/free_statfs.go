//go:build linux || darwin

package main

import "syscall"

// freeBytes returns how many bytes we may still write to the disk that holds path, or -1 when that cannot be told.
func freeBytes(path string) float64 {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(path, &disk); err != nil {
		return -1
	}
	return float64(disk.Bavail) * float64(disk.Bsize)
}
