package clients_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brygga/clients"
	"brygga/storage"
	"brygga/storage/storagetest"
)

// TestPolicyLines takes a policy with every field set apart, and puts it together again from its lines.
func TestPolicyLines(t *testing.T) {
	var policy storage.Policy
	storagetest.Fill(&policy)
	var copied storage.Policy
	for _, line := range clients.PolicyLines(&policy) {
		if err := clients.SetPolicy(&copied, line.Key+"="+line.Value); err != nil {
			t.Errorf("%s=%s cannot be read: %v", line.Key, line.Value, err)
		}
	}
	if diff := cmp.Diff(policy, copied); diff != "" {
		t.Errorf("a field was lost (-want +got):\n%s", diff)
	}
	for _, line := range clients.PolicyLines(&policy) {
		clients.SetPolicy(&copied, line.Key+"=")
	}
	if diff := cmp.Diff(storage.Policy{}, copied); diff != "" {
		t.Errorf("a field was not taken away (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", "pin_code", "pincode=yes", "minimum_age=old", "visible_text=x"} {
		if clients.SetPolicy(&copied, bad) == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestSetPolicyLeavesMapsAlone: a client's policy may be one that others hold.
func TestSetPolicyLeavesMapsAlone(t *testing.T) {
	texts := map[string]string{"sv": "Hej"}
	policy := storage.Policy{VisibleText: texts}
	if err := clients.SetPolicy(&policy, "visible_text.en=Hi"); err != nil || len(texts) != 1 || policy.VisibleText["en"] != "Hi" || policy.VisibleText["sv"] != "Hej" {
		t.Errorf("texts are %v and %v", texts, policy.VisibleText)
	}
	if keys := clients.PolicyKeys(); !slices.IsSorted(keys) || len(keys) != 14 {
		t.Errorf("keys are %q", keys)
	}
}
