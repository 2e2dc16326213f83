package bankidsim

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/digitorus/timestamp"
)

// TestStamps has OpenSSL ask for a time stamp and verify it (RFC 3161 §2.4, §3.4).
func TestStamps(t *testing.T) {
	s := value(New(Options{}))
	defer s.Close()
	phone := httptest.NewServer(s.Phone())
	defer phone.Close()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, text []byte) {
		if err := os.WriteFile(at(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openssl := func(want bool, args ...string) string {
		out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
		if (err == nil) != want {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	post := func(kind string, text []byte) (int, []byte) {
		r := value(http.Post(phone.URL+"/stamps", kind, bytes.NewReader(text)))
		defer r.Body.Close()
		var body bytes.Buffer
		value(body.ReadFrom(r.Body))
		return r.StatusCode, body.Bytes()
	}
	write("data", []byte("a record"))
	write("other", []byte("another record"))
	write("root.pem", value(s.StampRootPEM()))
	openssl(true, "ts", "-query", "-data", at("data"), "-sha256", "-cert", "-out", at("query"))
	code, reply := post("application/timestamp-query", value(os.ReadFile(at("query"))))
	if code != http.StatusOK {
		t.Fatalf("got %d %s", code, reply)
	}
	write("reply", reply)
	openssl(true, "ts", "-verify", "-queryfile", at("query"), "-in", at("reply"), "-CAfile", at("root.pem"))
	openssl(true, "ts", "-verify", "-data", at("data"), "-in", at("reply"), "-CAfile", at("root.pem"))
	openssl(false, "ts", "-verify", "-data", at("other"), "-in", at("reply"), "-CAfile", at("root.pem"))

	if code, _ := post("application/octet-stream", value(os.ReadFile(at("query")))); code != http.StatusUnsupportedMediaType {
		t.Errorf("of another type: %d", code)
	}
	if code, _ := post("application/timestamp-query", make([]byte, maxStampRequest+1)); code != http.StatusRequestEntityTooLarge {
		t.Errorf("too long: %d", code)
	}
	sum := sha256.Sum256([]byte("x"))
	for name, query := range map[string][]byte{
		"no request":        []byte("x"),
		"another algorithm": value((&timestamp.Request{HashAlgorithm: 7, HashedMessage: append(sum[:], sum[:]...)}).Marshal()),
		"half a hash":       value((&timestamp.Request{HashAlgorithm: 5, HashedMessage: sum[:16]}).Marshal()),
	} {
		code, reply := post("application/timestamp-query", query)
		if _, err := timestamp.ParseResponse(reply); code != http.StatusOK || err == nil {
			t.Errorf("%s: got %d and a stamp", name, code)
		}
	}
}

func value[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
