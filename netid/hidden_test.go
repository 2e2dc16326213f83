package netid

import (
	"bytes"
	"testing"
)

// TestHiddenOfEachText: no text, data or salt has the bytes to sign of another, wherever the one ends and the other begins.
func TestHiddenOfEachText(t *testing.T) {
	salt := bytes.Repeat([]byte{1}, SaltSize)
	for _, layout := range []Layout{{}, {NonVisibleFirst: true}, {Decoded: true}, {UTF16: true}, {Separator: "|"}} {
		seen := map[string]string{}
		for name, one := range map[string]struct {
			salt          []byte
			visible, data string
		}{
			"a text": {salt, "Jag köper", "x"}, "a longer one": {salt, "Jag köper x", ""}, "other data": {salt, "Jag köper", "y"}, "no data": {salt, "Jag köper", ""},
			"another salt": {bytes.Repeat([]byte{2}, SaltSize), "Jag köper", "x"},
		} {
			hidden := layout.Hidden(one.salt, one.visible, []byte(one.data))
			hash := string(layout.content("", hidden)[:44])
			if before, is := seen[hash]; is {
				t.Errorf("%+v: %s has the hash of %s", layout, name, before)
			}
			seen[hash] = name
			if IsNonce(hidden) || len(hidden) > MaxNonVisible {
				t.Errorf("%+v: %s looks like a login's nonce", layout, name)
			}
		}
	}
	if hidden := (Layout{Decoded: true}).Hidden(salt, "x", make([]byte, MaxData)); len(hidden) > MaxNonVisible {
		t.Errorf("the longest data makes %d bytes", len(hidden))
	}
	if hidden := (Layout{Decoded: true}).Hidden(salt, "x", make([]byte, MaxData+4)); len(hidden) <= MaxNonVisible {
		t.Error("longer data would go too")
	}
}
