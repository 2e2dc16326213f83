package webhook

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"brygga/secret"
)

const example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// TestHeader is the example that libraries of Standard Webhooks test themselves with.
func TestHeader(t *testing.T) {
	keys, err := ParseSecret(secret.New(example))
	if err != nil {
		t.Fatal(err)
	}
	header := Header(keys, "p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got := header.Get("webhook-signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" || header.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" ||
		header.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("the header is %v", header)
	}
}

func TestParseSecret(t *testing.T) {
	for _, text := range []string{"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", "whsec_!", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)),
		example + " whsec_!", strings.Repeat(example+"\n", 3)} {
		if _, err := ParseSecret(secret.New(text)); err == nil || len(text) > 8 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("%q: %v", text, err)
		}
	}
	key := bytes.Repeat([]byte{7}, 32)
	two, err := ParseSecret(secret.New(Secret(key).Reveal() + "\n" + example))
	if err != nil || len(two) != 2 || !bytes.Equal(two[0], key) {
		t.Errorf("two secrets are %d, %v", len(two), err)
	}
}
