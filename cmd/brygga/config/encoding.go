package config

import (
	"bytes"
	"unicode/utf8"
)

// byteOrderMark is what editors on Windows may write before text in UTF-8. YAML allows it (YAML 1.2.2 section 5.2); before a PEM
// block or a secret it is part of neither, and nobody sees it.
var byteOrderMark = []byte("\xef\xbb\xbf")

const saveAs = "save it as UTF-8 without a byte order mark (BOM); editors on Windows call that UTF-8"

// marked returns what is wrong with the beginning of a file that holds PEM or a secret, or "".
func marked(text []byte) string {
	if bytes.HasPrefix(text, byteOrderMark) {
		return "begins with a byte order mark"
	}
	if isUTF16(text) {
		return "is text in UTF-16"
	}
	return ""
}

// isUTF16 reports whether text begins with the byte order mark of UTF-16, in either order.
func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}

// plain returns the text of a configuration file without a mark before it, or says on which line it is no UTF-8: 0 for all of it.
func plain(text []byte) (plain string, line int, ok bool) {
	text = bytes.TrimPrefix(text, byteOrderMark)
	if isUTF16(text) || bytes.IndexByte(text, 0) >= 0 {
		return "", 0, false
	}
	for rest, line := text, 1; len(rest) > 0; line++ {
		head, tail, _ := bytes.Cut(rest, []byte("\n"))
		if !utf8.Valid(head) {
			return "", line, false
		}
		rest = tail
	}
	return string(text), 0, true
}
