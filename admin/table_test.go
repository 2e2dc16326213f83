package admin_test

import (
	"fmt"
	"testing"

	"brygga/admin"
	"brygga/storage"
)

// TestClientTablePages: pages of the table have each client once, whatever the order, and say whether there are more.
func TestClientTablePages(t *testing.T) {
	h := newHarness(t)
	for i := range 5 {
		h.put(t, fmt.Sprintf("table-%d", i), "")
	}
	for _, sort := range []string{admin.SortByName, admin.SortByLogins, admin.SortByLast} {
		seen := map[string]int{}
		for skip, more := 0, true; more; skip += 2 {
			var rows []admin.ClientRow
			var err error
			if rows, more, err = h.ClientTable(t.Context(), root, admin.ClientFilter{Text: "table-", Sort: sort}, "", skip, 2); err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				seen[r.ID]++
			}
		}
		if len(seen) != 5 {
			t.Errorf("%s: %v", sort, seen)
		}
		for id, times := range seen {
			if times != 1 {
				t.Errorf("%s: %s is listed %d times", sort, id, times)
			}
		}
	}
}

// BenchmarkClientTable is a page of the list of a thousand apps, as it is and ordered by how they are used.
func BenchmarkClientTable(b *testing.B) {
	h := newHarness(b)
	for i := range 1000 {
		_, err := h.PutClient(b.Context(), root, fmt.Sprintf("app-%d", i), admin.Demand{}, func(c *storage.Client) error {
			c.RedirectURIs = []string{fmt.Sprintf("https://app-%d.example.se/cb", i)}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, sort := range []string{admin.SortByName, admin.SortByFailures} {
		b.Run(sort, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rows, _, err := h.ClientTable(b.Context(), root, admin.ClientFilter{Sort: sort}, "", 0, 50)
				if err != nil || len(rows) != 50 {
					b.Fatal(len(rows), err)
				}
			}
		})
	}
}
