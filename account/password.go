package account

import (
	"crypto/sha256"
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"brygga/secret"
)

// Bounds of a password in characters (NIST SP 800-63B-4 §3.1.1.2 asks for 15 where it stands alone, 8 beside a second factor, and at least 64 as the most),
// and in bytes.
const (
	MinPassword      = 12
	MaxPassword      = 256
	maxPasswordBytes = 4 * MaxPassword
)

// PasswordFault says why a password cannot be taken; empty for one that can.
type PasswordFault string

// The faults of passwords.
const (
	PasswordShort     PasswordFault = "short"     // fewer than MinPassword characters
	PasswordLong      PasswordFault = "long"      // more than MaxPassword
	PasswordUnusable  PasswordFault = "unusable"  // control characters, or no Unicode
	PasswordCommon    PasswordFault = "common"    // a word that many have, with or without digits around it
	PasswordSimple    PasswordFault = "simple"    // a row of the keyboard or of numbers, or a few characters again and again
	PasswordGuessable PasswordFault = "guessable" // holds what the operator or the product is called
	PasswordSame      PasswordFault = "same"      // is the one of before
)

// preparePassword returns the password as it is hashed: RFC 8265's OpaqueString, which is NFC with one kind of space, so that every keyboard types the same.
func preparePassword(password secret.String) (secret.String, PasswordFault) {
	switch text := password.Reveal(); {
	case len(text) > maxPasswordBytes:
		return secret.String{}, PasswordLong
	case text == "":
		return secret.String{}, PasswordShort
	case !utf8.ValidString(text):
		return secret.String{}, PasswordUnusable
	}
	prepared, err := precis.OpaqueString.String(password.Reveal())
	if err != nil {
		return secret.String{}, PasswordUnusable
	}
	return secret.New(prepared), ""
}

// checkPassword returns the password as it is hashed, or what is wrong with it. It demands no kinds of characters. Names are what the operator is called.
func checkPassword(password secret.String, names ...secret.String) (secret.String, PasswordFault) {
	prepared, fault := preparePassword(password)
	if fault != "" {
		return secret.String{}, fault
	}
	text := prepared.Reveal()
	folded := foldText(text)
	switch n := utf8.RuneCountInString(text); {
	case n < MinPassword:
		return secret.String{}, PasswordShort
	case n > MaxPassword:
		return secret.String{}, PasswordLong
	case isSimple(folded):
		return secret.String{}, PasswordSimple
	case isCommon(folded):
		return secret.String{}, PasswordCommon
	case holdsName(folded, names):
		return secret.String{}, PasswordGuessable
	}
	return prepared, ""
}

// longestRemainder is how many characters beside a word that is guessed first make a password of it, in which that word does no harm.
const longestRemainder = 8

// holdsName reports whether the password is little more than a name of the operator, a part of one, or the product's.
func holdsName(folded string, names []secret.String) bool {
	parts := []string{"brygga", "bankid"}
	for _, name := range names {
		whole := foldText(name.Reveal())
		parts = append(parts, whole)
		parts = append(parts, strings.FieldsFunc(whole, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	rest := folded
	for _, part := range parts {
		if utf8.RuneCountInString(part) >= 4 {
			rest = strings.ReplaceAll(rest, part, "")
		}
	}
	return rest != folded && utf8.RuneCountInString(rest) < longestRemainder
}

// rows are those of keyboards, and the alphabet.
var rows = []string{"1234567890", "qwertyuiopåasdfghjklöäzxcvbnm", "qwertyuiop", "asdfghjklöä", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyzåäö", "qazwsxedcrfvtgbyhnujmik", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik"}

// isSimple reports whether the password is made of few characters, or of long pieces of rows.
func isSimple(folded string) bool {
	distinct := map[rune]bool{}
	for _, r := range folded {
		distinct[r] = true
	}
	if len(distinct) < 5 {
		return true
	}
	return inRows([]rune(folded)) || repeats([]rune(folded))
}

// inRows reports whether all but a few of the characters follow their neighbour in some row, forwards or backwards.
func inRows(text []rune) bool {
	follow := 0
	for i := 1; i < len(text); i++ {
		pair, back := string(text[i-1:i+1]), string([]rune{text[i], text[i-1]})
		if text[i] == text[i-1] || slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(row, pair) || strings.Contains(row, back) }) {
			follow++
		}
	}
	return follow*4 >= (len(text)-1)*3
}

// repeats reports whether the password is a short piece again and again.
func repeats(text []rune) bool {
	for size := 1; size <= 6; size++ {
		same := true
		for i := size; i < len(text) && same; i++ {
			same = text[i] == text[i-size]
		}
		if same {
			return true
		}
	}
	return false
}

// common is a set of words that many passwords are made of, each as the first commonSize bytes of its SHA-256, sorted: see common_make.go.
//
//go:embed common.bin
var common string

const commonSize = 5

// swedish are words and names that Swedish passwords are made of, and the list lacks.
var swedish = []string{
	"losenord", "hemlig", "hemligt", "sommar", "sommaren", "vinter", "vintern", "hosten", "varen", "valkommen", "sverige", "stockholm", "goteborg", "malmo", "uppsala",
	"januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december", "mandag", "tisdag", "onsdag", "torsdag", "fredag",
	"lordag", "sondag", "kommun", "kommunen", "region", "skola", "skolan", "fotboll", "hammarby", "djurgarden", "password", "administrator", "admin", "welcome", "letmein",
}

// isCommon reports whether the password is a word that many use, with little around it, twice in a row, or with digits for letters.
func isCommon(folded string) bool {
	word := core(folded)
	if isWord(word) && utf8.RuneCountInString(folded)-utf8.RuneCountInString(word) < longestRemainder {
		return true
	}
	half := len(word) / 2
	for i := half - 6; i <= half+6; i++ { // two words, such as sommarsommar or helloworld
		if i > 2 && i < len(word)-2 && isWord(word[:i]) && isWord(word[i:]) && len(word) < 20 {
			return true
		}
	}
	return false
}

func isWord(word string) bool {
	if slices.Contains(swedish, word) {
		return true
	}
	sum := sha256.Sum256([]byte(word))
	want := string(sum[:commonSize])
	low, high := 0, len(common)/commonSize
	for low < high {
		middle := (low + high) / 2
		if common[middle*commonSize:(middle+1)*commonSize] < want {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low < len(common)/commonSize && common[low*commonSize:(low+1)*commonSize] == want
}

// plainLetters puts the letter in the place of what people write for it.
var plainLetters = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i", "å", "a", "ä", "a", "ö", "o", "é", "e")

// core returns the word inside a password: without what is no letter at its ends, and with letters for what stands for them.
func core(folded string) string {
	word := strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && r != '@' && r != '$' })
	return plainLetters.Replace(word)
}
