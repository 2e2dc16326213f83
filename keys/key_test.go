package keys

import (
	"testing"

	"brygga/storage"
)

// TestKeyOfAnotherAlgorithm lays each kind of key under the name of every algorithm that it is not for.
func TestKeyOfAnotherAlgorithm(t *testing.T) {
	kinds := map[string][]string{ // a key of the first may serve the others
		storage.ES256: {storage.ES256, ecdhES}, storage.ES384: {storage.ES384}, storage.ES512: {storage.ES512}, storage.EdDSA: {storage.EdDSA},
		storage.RS256: {storage.RS256, storage.RS384, storage.RS512, storage.PS256, rsaOAEP},
	}
	all := []string{storage.ES256, storage.ES384, storage.ES512, storage.EdDSA, storage.RS256, storage.RS384, storage.RS512, storage.PS256, rsaOAEP, ecdhES, "HS256", "none", ""}
	for made, serves := range kinds {
		record, err := generate(made, newClock().now())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range all {
			record.Algorithm = name
			taken := false
			for _, s := range serves {
				taken = taken || s == name
			}
			if _, err := newKey(record); (err == nil) != taken {
				t.Errorf("%s key under %q: %v", made, name, err)
			}
		}
	}
}
