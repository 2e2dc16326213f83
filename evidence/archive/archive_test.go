package archive_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/evidence/archive"
	"brygga/storage"
)

func (h *house) archive() *archive.Archive {
	return &archive.Archive{
		Store: h.store, Audit: must(audit.New(audit.Options{Store: h.store, PseudonymKey: make([]byte, 32), Now: h.clock})),
		Tree: func(context.Context) (*tree.Tree, error) { return h.tree, nil },
	}
}

// TestOnlyOnesOwnIsThere: what is another's is found no more than what is nobody's.
func TestOnlyOnesOwnIsThere(t *testing.T) {
	h := newHouse(t)
	h.keep("txn", "")
	for client, want := range map[string]error{"portal": nil, "other": storage.ErrNotFound} {
		who := archive.Recipient{Actor: "client:" + client, May: func(e *storage.EvidenceRecord) bool { return e.ClientID == client }}
		if _, err := h.archive().Export(t.Context(), "txn", who, h.now); !errors.Is(err, want) {
			t.Errorf("for %s: %v", client, err)
		}
	}
}

// TestSwappedRecordStays: a record that the audit log does not name is handed out to nobody.
func TestSwappedRecordStays(t *testing.T) {
	h := newHouse(t)
	h.keep("txn", strings.Repeat("0", 64))
	if _, err := h.archive().Export(t.Context(), "txn", archive.Recipient{Actor: "root"}, h.now); !errors.Is(err, archive.ErrAltered) {
		t.Errorf("it is handed out: %v", err)
	}
}
