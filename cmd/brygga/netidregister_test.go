package main

import (
	"maps"
	"slices"
	"testing"

	"brygga/admin"
)

// TestRegistrationFaultsHaveCodes: whatever package netid finds wrong with a registration has a code by which the console says it.
func TestRegistrationFaultsHaveCodes(t *testing.T) {
	codes := append(slices.Collect(maps.Values(registrationFaults)), "certificate")
	slices.Sort(codes)
	if want := slices.Sorted(slices.Values(admin.RegistrationFaults())); !slices.Equal(codes, want) {
		t.Errorf("the codes are %q, want %q", codes, want)
	}
}
