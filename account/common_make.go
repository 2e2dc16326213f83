//go:build ignore

// Common_make writes common.bin: the words of a list of passwords, most used first, with a comma between them, as package account compares them. The list is
// that of zxcvbn 4.4.2, from the npm package of that name (MIT, see common.LICENSE.txt):
//
//	sed -n 's/.*passwords: "\([^"]*\)".*/\1/p' package/lib/frequency_lists.js | go run common_make.go > common.bin
package main

import (
	"crypto/sha256"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	var hashes []string
	for word := range strings.SplitSeq(strings.TrimSpace(string(text)), ",") {
		letters := strings.TrimFunc(strings.ToLower(word), func(r rune) bool { return !unicode.IsLetter(r) })
		if len(letters) < 4 {
			continue
		}
		plain := strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i").Replace(letters)
		sum := sha256.Sum256([]byte(plain))
		hashes = append(hashes, string(sum[:5]))
	}
	slices.Sort(hashes)
	os.Stdout.WriteString(strings.Join(slices.Compact(hashes), ""))
}
